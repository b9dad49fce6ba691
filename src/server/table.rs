//! The facts about each line of servers and each release: one row each.
//!
//! To add a release that behaves differently from those before it (say, Redis 8.8), add a variant to `Server` whose row
//! states the differences from the one before it, and a release of the same name to `Release`. The lists of all
//! servers, the sets of those that know a command or a type of RDB value, and the names on the command line follow.
//! Commands and types that are new in the release state it: `.since(redis(8, 8))` in the row of a command or of an RDB
//! type.

use super::facts::{FloatSyntax, ManifestDetection, Product, Version};

/// Declares an enum whose variants have a row of facts each, and a method for each fact.
macro_rules! table {
    (
        $(#[$enum_attribute:meta])*
        enum $name:ident with $row:ident { $($(#[$fact_attribute:meta])* $fact:ident: $type:ty,)* }
        $($(#[$attribute:meta])* $variant:ident = $value:expr;)*
    ) => {
        $(#[$enum_attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$attribute])* $variant,)*
        }

        struct $row {
            $($(#[$fact_attribute])* $fact: $type,)*
        }

        impl $name {
            const COUNT: usize = [$(Self::$variant),*].len();

            const fn row(self) -> &'static $row {
                match self {
                    $(Self::$variant => {
                        const ROW: $row = $value;
                        &ROW
                    })*
                }
            }

            /// All of them: oldest first, Redis before Valkey.
            pub const ALL: [Self; $name::COUNT] = [$(Self::$variant),*];

            $($(#[$fact_attribute])*
            #[must_use]
            pub const fn $fact(self) -> $type {
                self.row().$fact
            })*
        }
    };
}

table! {
    /// A line of servers that behave alike when they load a log.
    enum Server with ServerRow {
        /// The name that the command line and every report use.
        name: &'static str,
        /// The product: Redis or Valkey.
        product: Product,
        /// The newest release of the line. The line does not have what is new in later releases.
        version: Version,
        /// The release whose behaviour was tested.
        probed: &'static str,
        /// Its checker of append-only files, with the line of releases.
        checker: &'static str,

        /// The default number of databases.
        databases: u32,

        /// The newest version of the RDB format with the magic `REDIS` that it loads.
        rdb_version: u32,
        /// The version of the RDB format with the magic `VALKEY` that it loads and writes. A server that has one
        /// numbers its types of values as [`Family::Valkey`](super::Family::Valkey) does, and recognises an RDB of
        /// Redis only if it begins with `REDIS0`.
        valkey_rdb_version: Option<u32>,
        /// Whether RESTORE skips the comparison of a checksum that is 0.
        skips_zero_checksum: bool,
        /// Whether RESTORE refuses a payload of RDB version 0; the others have no lower limit.
        refuses_version_0: bool,
        /// Whether RESTORE reports an empty quicklist node as a corrupt ziplist, which ends the server.
        reports_empty_nodes: bool,

        /// How its `redis-check-aof` or `valkey-check-aof` recognizes a manifest.
        manifest_detection: ManifestDetection,
        /// Whether it loads logs of several parts, which have a manifest.
        loads_manifests: bool,
        /// Whether it drops the byte 255 from a field of a manifest unless it is escaped.
        drops_byte_255: bool,
        /// Whether a field of a manifest may continue after a closing quote.
        joins_quoted: bool,
        /// Whether it skips annotations, the lines that begin with `#`.
        skips_annotations: bool,
        /// The size of the buffer for a line of a log, in bytes, including the NUL.
        line_buffer: usize,
        /// The length of an argument from which on the server fails to allocate memory and exits.
        deadly_length: i64,

        /// Whether it looks up subcommands, and stops at an unknown one. Otherwise the container accepts any.
        has_subcommands: bool,
        /// Whether it checks the number of arguments before it runs a command of a log. (Valkey 8.0 does not, 8.1
        /// does.)
        checks_arity: bool,
        /// Whether it logs calls of scripts instead of the commands that they ran.
        logs_scripts: bool,
        /// Whether WAIT waits for replicas while the server loads.
        waits_while_loading: bool,

        /// How it reads floating-point numbers.
        float_syntax: FloatSyntax,
        /// Whether a blocking command refuses a timeout whose end does not fit in 63 bits of milliseconds. For the
        /// others, only the timeout itself must fit.
        limits_end_of_timeout: bool,
        /// Whether BITFIELD reads the width of a type up to the first NUL (`u8\0x`). The others refuse such a type.
        cuts_bitfield_type_at_nul: bool,
        /// Whether a key whose expiry is set to -1 ms of Unix time has expired. For the others it has no expiry.
        expires_at_minus_one: bool,
        /// Whether a small sorted set distinguishes a score of -0 from 0, as large ones do.
        keeps_negative_zero: bool,
        /// Whether LSET uses only the low 32 bits of its index, and LREM refuses a count of -2^63, which otherwise
        /// means every equal element.
        narrows_list_indexes: bool,
        /// Whether a negative offset of LIMIT in ZRANGESTORE counts from the other end of the range, if the sorted set
        /// is large. For the others such a range is empty.
        counts_negative_limit_from_end: bool,
        /// Whether VADD refuses to reduce a vector to more components than it has.
        limits_vector_reduction: bool,
        /// Whether XGROUP lowers a number of read entries that exceeds the number of entries added.
        limits_entries_read: bool,
        /// Whether it compares the expiry of fields with the clock while it loads, so that fields that have expired are
        /// lost.
        expires_fields_on_load: bool,

        /// Whether `DEBUG DIGEST` prints scores with 17 digits. The others print the shortest digits that give the same
        /// number.
        digests_17_digits: bool,
        /// Whether `DEBUG DIGEST` marks a field that expires.
        digest_marks_expiring_fields: bool,
        /// Whether `DEBUG DIGEST` leaves out fields that have expired.
        digest_skips_expired_fields: bool,
    }
    /// Redis 6.2: single files only, no annotations.
    Redis62 = REDIS_6_2;
    /// Redis 7.0: the first with manifests.
    Redis70 = REDIS_7_0;
    /// Redis 8.0.
    Redis80 = REDIS_8_0;
    /// Redis 8.2.
    Redis82 = REDIS_8_2;
    /// Redis 8.6.
    Redis86 = REDIS_8_6;
    /// Valkey 8.0 and 8.1.
    Valkey8 = VALKEY_8;
    /// Valkey 9.0 and 9.1.
    Valkey9 = VALKEY_9;
}

const REDIS_6_2: ServerRow = ServerRow {
    name: "redis-6.2",
    product: Product::Redis,
    version: Version::new(6, 2),
    probed: "6.2.14",
    checker: "redis-check-aof 6.2",
    databases: 16,
    rdb_version: 9,
    valkey_rdb_version: None,
    skips_zero_checksum: false,
    refuses_version_0: false,
    reports_empty_nodes: true,
    manifest_detection: ManifestDetection::Never,
    loads_manifests: false,
    drops_byte_255: false,
    joins_quoted: false,
    skips_annotations: false,
    line_buffer: 128,
    // It allocates memory that the host must have; 64 GiB is assumed to be more.
    deadly_length: 1 << 36,
    has_subcommands: false,
    checks_arity: false,
    logs_scripts: true,
    waits_while_loading: true,
    float_syntax: FloatSyntax::Strtod,
    limits_end_of_timeout: false,
    cuts_bitfield_type_at_nul: true,
    expires_at_minus_one: false,
    keeps_negative_zero: true,
    narrows_list_indexes: false,
    counts_negative_limit_from_end: false,
    limits_vector_reduction: false,
    limits_entries_read: false,
    expires_fields_on_load: false,
    digests_17_digits: true,
    digest_marks_expiring_fields: false,
    digest_skips_expired_fields: false,
};

const REDIS_7_0: ServerRow = ServerRow {
    name: "redis-7.0",
    version: Version::new(7, 0),
    probed: "7.0.15",
    checker: "redis-check-aof 7.0",
    rdb_version: 10,
    reports_empty_nodes: false,
    manifest_detection: ManifestDetection::AnyLine,
    loads_manifests: true,
    skips_annotations: true,
    line_buffer: 1024,
    // It reserves address space, which is limited to 2^47 bytes. Valkey 8.1 and Redis 7.0 failed from about 2^46.8 on.
    deadly_length: 1 << 46,
    has_subcommands: true,
    logs_scripts: false,
    keeps_negative_zero: false,
    ..REDIS_6_2
};

/// Redis 7.2, which was not tested: the facts that 8.0 and Valkey have in common.
const FORK: ServerRow = ServerRow {
    rdb_version: 11,
    manifest_detection: ManifestDetection::FirstLine,
    waits_while_loading: false,
    limits_end_of_timeout: true,
    narrows_list_indexes: true,
    counts_negative_limit_from_end: true,
    digests_17_digits: false,
    ..REDIS_7_0
};

const REDIS_8_0: ServerRow = ServerRow {
    name: "redis-8.0",
    version: Version::new(8, 0),
    probed: "8.0.6",
    checker: "redis-check-aof 8.0",
    rdb_version: 12,
    float_syntax: FloatSyntax::FastFloatOrStrtod,
    expires_fields_on_load: true,
    digest_marks_expiring_fields: true,
    ..FORK
};

const REDIS_8_2: ServerRow = ServerRow {
    name: "redis-8.2",
    version: Version::new(8, 2),
    probed: "8.2.3",
    checker: "redis-check-aof 8.2",
    counts_negative_limit_from_end: false,
    limits_entries_read: true,
    ..REDIS_8_0
};

const REDIS_8_6: ServerRow = ServerRow {
    name: "redis-8.6",
    version: Version::new(8, 6),
    probed: "8.6.3",
    checker: "redis-check-aof 8.6",
    rdb_version: 13,
    skips_zero_checksum: true,
    limits_vector_reduction: true,
    ..REDIS_8_2
};

const VALKEY_8: ServerRow = ServerRow {
    name: "valkey-8",
    product: Product::Valkey,
    version: Version::new(8, 1),
    probed: "8.1.1",
    checker: "valkey-check-aof 8",
    drops_byte_255: true,
    checks_arity: true,
    ..FORK
};

const VALKEY_9: ServerRow = ServerRow {
    name: "valkey-9",
    version: Version::new(9, 1),
    probed: "9.1.2",
    checker: "valkey-check-aof 9",
    valkey_rdb_version: Some(80),
    refuses_version_0: true,
    joins_quoted: true,
    float_syntax: FloatSyntax::FastFloat,
    cuts_bitfield_type_at_nul: false,
    expires_at_minus_one: true,
    digest_skips_expired_fields: true,
    ..VALKEY_8
};

table! {
    /// A release, and the line of servers that behaves like it when it loads a log.
    ///
    /// Releases that were not tested belong to the next newer line, which loads whatever they write.
    enum Release with ReleaseRow {
        /// The name that the command line and every report use.
        name: &'static str,
        /// The line that behaves like it.
        server: Server,
        /// Its number.
        version: Version,
        /// The version of the RDB format that it writes.
        rdb_version: u16,
        /// The target of a rewrite for this release: an older release, if the same output serves for both.
        target: Release,
    }
    /// Redis 6.2.
    Redis62 = release("redis-6.2", Server::Redis62, Version::new(6, 2), 9, Release::Redis62);
    /// Redis 7.0.
    Redis70 = release("redis-7.0", Server::Redis70, Version::new(7, 0), 10, Release::Redis70);
    /// Redis 7.2.
    Redis72 = release("redis-7.2", Server::Redis80, Version::new(7, 2), 11, Release::Redis70);
    /// Redis 7.4.
    Redis74 = release("redis-7.4", Server::Redis80, Version::new(7, 4), 12, Release::Redis74);
    /// Redis 8.0.
    Redis80 = release("redis-8.0", Server::Redis80, Version::new(8, 0), 12, Release::Redis80);
    /// Redis 8.2.
    Redis82 = release("redis-8.2", Server::Redis82, Version::new(8, 2), 12, Release::Redis80);
    /// Redis 8.4.
    Redis84 = release("redis-8.4", Server::Redis86, Version::new(8, 4), 12, Release::Redis80);
    /// Redis 8.6.
    Redis86 = release("redis-8.6", Server::Redis86, Version::new(8, 6), 13, Release::Redis86);
    /// Valkey 7.2.
    Valkey72 = release("valkey-7.2", Server::Valkey8, Version::new(7, 2), 11, Release::Valkey8);
    /// Valkey 8, any release.
    Valkey8 = release("valkey-8", Server::Valkey8, Version::new(8, 0), 11, Release::Valkey8);
    /// Valkey 8.0.
    Valkey80 = release("valkey-8.0", Server::Valkey8, Version::new(8, 0), 11, Release::Valkey8);
    /// Valkey 8.1.
    Valkey81 = release("valkey-8.1", Server::Valkey8, Version::new(8, 1), 11, Release::Valkey8);
    /// Valkey 9, any release.
    Valkey9 = release("valkey-9", Server::Valkey9, Version::new(9, 0), 80, Release::Valkey9);
    /// Valkey 9.0.
    Valkey90 = release("valkey-9.0", Server::Valkey9, Version::new(9, 0), 80, Release::Valkey9);
    /// Valkey 9.1.
    Valkey91 = release("valkey-9.1", Server::Valkey9, Version::new(9, 1), 80, Release::Valkey9);
}

const fn release(
    name: &'static str,
    server: Server,
    version: Version,
    rdb_version: u16,
    target: Release,
) -> ReleaseRow {
    ReleaseRow { name, server, version, rdb_version, target }
}
