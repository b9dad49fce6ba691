//! The cases: every command that changes data, on values of every type that it works on.

/// The values of a case's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    /// No key at all.
    Nothing,
    /// `n` keys with a short string each.
    Keys,
    /// A string of 8 bytes an item.
    Text,
    /// A list of short elements.
    List,
    /// A list of elements of 200 bytes.
    LongList,
    /// A list of integers.
    Numbers,
    /// A set of short members.
    Set,
    /// A set of integers.
    Integers,
    /// A hash of short fields and values.
    Hash,
    /// A hash whose fields all expire, in the far future.
    ExpiringHash,
    /// A sorted set with a different score for each member.
    SortedSet,
    /// A sorted set of one score.
    Tied,
    /// Members with positions.
    Geo,
    /// A stream with one field an entry.
    Stream,
    /// A stream with a group, and every entry pending for one of ten consumers.
    Pending,
    /// A stream with a group in which every entry is pending for the same consumer, and with every other entry deleted.
    Deleted,
    /// A stream of 100 entries with `n` / 100 groups, in each of which all are pending.
    Groups,
    /// A `HyperLogLog` that `n` elements were added to.
    Sketch,
    /// 100 `HyperLogLog`s that `n` / 20 elements were added to.
    Sketches,
    /// 1,000 strings of `n` / 100 bytes.
    Strings,
    /// 1,000 sets of `n` / 1,000 members.
    Sets,
    /// 1,000 sorted sets of `n` / 1,000 members.
    SortedSets,
    /// Vectors of four dimensions.
    Vectors,
}

impl Shape {
    /// Whether few items are stored in another form than many.
    pub const fn has_packed_form(self) -> bool {
        use Shape::{
            ExpiringHash, Geo, Hash, Integers, List, LongList, Numbers, Pending, Set, SortedSet, Stream, Tied, Vectors,
        };
        matches!(
            self,
            List | LongList
                | Numbers
                | Set
                | Integers
                | Hash
                | ExpiringHash
                | SortedSet
                | Tied
                | Geo
                | Stream
                | Pending
                | Vectors
        )
    }
}

/// Commands to repeat.
pub struct Case {
    /// The values to repeat them on.
    pub shapes: &'static [Shape],
    /// The commands to repeat, as templates separated by `;`. Of three parts separated by `|`, only the middle one is
    /// repeated.
    ///
    /// `k` is the key with the value, `k2` another that shares half of its items, `s` one of three items of it. The
    /// rest stands in braces:
    ///
    /// - `e`, `i`, `at`, `bit`, `score`, `id`: an item, its index, byte, bit, score, or ID, at the positions that are
    ///   tried;
    /// - `new`, `newid`, `j`: an item that is not there, an ID after all others, the number of the repetition;
    /// - `big`, `longer`: a value of 2,000 bytes, and one that is a byte longer in every repetition;
    /// - `n`, `half`, `all`, `pairs`, `fields`: the number of items, half of it, all keys, 100 new keys or fields with
    ///   values, and 100 fields that are the same each time;
    /// - `library`, `payload`: a function library of `n` / 100 functions, and what DUMP returns for `k`.
    pub templates: &'static [&'static str],
}

/// All cases.
pub const CASES: &[Case] = {
    use Shape::{
        Deleted, ExpiringHash, Geo, Groups, Hash, Integers, Keys, List, LongList, Nothing, Numbers, Pending, Set, Sets,
        Sketch, Sketches, SortedSet, SortedSets, Stream, Strings, Text, Tied, Vectors,
    };
    &[
        Case {
            shapes: &[Nothing],
            templates: &[
                "SET {new} {new}",
                "SET x {big}",
                "SET x {longer}",
                "APPEND x {new}",
                "SETEX {new} 100000000 v",
                "PSETEX x 100000000000 v",
                "SETNX x v",
                "GETSET x {new}",
                "SET x v; GETDEL x",
                "SET x v; DELEX x IFEQ v",
                "SET x v; DELIFEQ x v",
                "SET x v; GETEX x PXAT 4102444800000",
                "MSET {pairs}",
                "MSETNX {pairs}",
                "MSETEX 100 {pairs} PXAT 4102444800000",
                "INCR x",
                "DECR x",
                "INCRBY x 1000000007",
                "DECRBY x 1000000007",
                "INCRBYFLOAT x 0.1",
                "INCRBYFLOAT x 1e15",
                "INCRBYFLOAT x 1e4000",
                "INCRBYFLOAT x 1e-4000",
                "HINCRBY x f 7",
                "HINCRBYFLOAT x f 0.1",
                "HINCRBYFLOAT x f 1e4000",
                "HSET h {pairs}",
                "XADD x {newid} {pairs}",
                "XADD x {newid} {fields}",
                "FUNCTION LOAD REPLACE {library}",
                "FUNCTION LOAD {library}; FUNCTION DELETE big",
                "FUNCTION LOAD {library}; FUNCTION FLUSH",
                "FUNCTION LOAD #!lua_name=l{j}\nredis.register-function('f{j}',function()return_1_end)",
                "MULTI | SET {new} v | EXEC",
                "MULTI; SET x {j}; EXEC",
                "MULTI; EXEC",
                "SELECT {j}",
                "SELECT 1; SELECT 0",
                "RPUSH {new} v",
                "SADD {new} v",
                "HSET {new} f v",
                "ZADD {new} 1 v",
                "XADD {new} 1-1 f v",
                "PFADD {new} v",
                "MIGRATE h 1 x 0 10",
            ],
        },
        Case {
            shapes: &[Keys],
            templates: &[
                "SET {e} v",
                "SET {e} v EXAT 4102444800",
                "DEL {e}",
                "UNLINK {e}",
                "RENAME {e} x{j}",
                "RENAME {e} x",
                "RENAMENX {e} x{j}",
                "COPY {e} x{j}",
                "MOVE {e} 1",
                "EXPIRE {e} 100000000",
                "EXPIREAT {e} 4102444800",
                "PEXPIRE {e} 100000000000",
                "PEXPIREAT {e} 4102444800000",
                "PEXPIREAT {e} 4102444800000; PERSIST {e}",
                "APPEND {e} v",
                "SWAPDB 0 1",
                "FLUSHALL",
                "FLUSHDB",
                "SET {new} v; FLUSHDB",
                "DEL {all}",
                "MSET {pairs}; DEL {all}",
                "SORT s BY {e} GET # STORE d",
            ],
        },
        Case {
            shapes: &[Text],
            templates: &[
                "APPEND k {new}",
                "APPEND k {big}",
                "SETRANGE k {at} {new}",
                "SETRANGE k {at} {big}",
                "SETBIT k {bit} 1",
                "BITFIELD k SET u8 {bit} 7",
                "BITFIELD k INCRBY i16 {bit} 7 OVERFLOW SAT INCRBY u2 3 9",
                "BITOP AND d k k2",
                "BITOP OR k k k2",
                "BITOP NOT k k",
                "BITOP XOR d k s",
                "COPY k d REPLACE",
                "COPY k d; DEL d",
                "RENAME k x; RENAME x k",
                "COPY k d REPLACE; APPEND d v",
                "COPY k d REPLACE; SETRANGE d 0 v",
                "GETEX k PERSIST",
                "SET k {new}",
                "APPEND k {new}; PEXPIREAT k 4102444800000",
            ],
        },
        Case { shapes: &[Strings], templates: &["BITOP AND d {all}", "BITOP OR d {all}", "BITOP DIFF d {all}"] },
        Case {
            shapes: &[Sets],
            templates: &[
                "SUNIONSTORE d {all}",
                "SINTERSTORE d {all}",
                "SDIFFSTORE d {all}",
                "ZUNIONSTORE d 1000 {all}",
            ],
        },
        Case {
            shapes: &[SortedSets],
            templates: &[
                "ZUNIONSTORE d 1000 {all}",
                "ZINTERSTORE d 1000 {all}",
                "ZDIFFSTORE d 1000 {all}",
                "ZUNIONSTORE d 1000 {all} AGGREGATE MAX",
            ],
        },
        Case {
            shapes: &[Sketch],
            templates: &[
                "PFADD k {new}",
                "PFADD k {e}",
                "PFADD k {new}; PFCOUNT k",
                "PFMERGE d k",
                "PFMERGE k k2",
                "PFMERGE d k k2; DEL d",
                "PFMERGE d s k",
                "PFDEBUG TODENSE k",
                "PFDEBUG GETREG k; PFADD k {new}",
                "PFADD {new} a; PFADD {new} b",
            ],
        },
        Case {
            shapes: &[Sketches],
            templates: &["PFMERGE d {all}", "PFMERGE k:0 {all}", "PFADD {new} v; PFMERGE {new} {all}"],
        },
        Case {
            shapes: &[List, LongList],
            templates: &[
                "RPUSH k {new}",
                "LPUSH k {new}",
                "RPUSHX k {new}",
                "LPUSHX k {new}",
                "RPUSH k {big}",
                "LPOP k",
                "RPOP k",
                "LPOP k {half}; RPUSH k {new}",
                "LPOP k; RPUSH k {new}",
                "RPOP k; LPUSH k {big}",
                "BLPOP k 0",
                "BRPOP k 0",
                "LMPOP 2 x k LEFT COUNT 10",
                "BLMPOP 0 1 k RIGHT COUNT 2",
                "LMOVE k k LEFT RIGHT",
                "LMOVE k k2 RIGHT LEFT",
                "BLMOVE k k2 LEFT LEFT 0",
                "RPOPLPUSH k k",
                "RPOPLPUSH k k2",
                "BRPOPLPUSH k k2 0",
                "LINSERT k BEFORE {e} {new}",
                "LINSERT k AFTER {e} {big}",
                "LREM k 1 {e}",
                "LREM k -1 {e}",
                "LREM k 0 {e}",
                "LREM k 1 {e}; LINSERT k BEFORE {e} {new}",
                "LSET k {i} {new}",
                "LSET k {i} {big}",
                "LSET k {i} {longer}",
                "LSET k {i} {longer}; LSET k {i} v",
                "LTRIM k 1 -1",
                "LTRIM k 0 -2",
                "LPUSH k {new}; LTRIM k 0 {n}",
                "RPUSH k {new}; LTRIM k {half} -1",
                "SORT k ALPHA STORE d",
                "SORT k ALPHA LIMIT {i} 10 STORE d",
                "SORT k BY nosort LIMIT {i} 1 STORE d",
                "SORT k BY w* STORE d",
                "COPY k d REPLACE",
                "COPY k d REPLACE; LSET d 0 v",
                "RENAME k x; RENAME x k",
            ],
        },
        Case {
            shapes: &[Numbers],
            templates: &[
                "SORT k STORE d",
                "SORT k DESC STORE d",
                "SORT k LIMIT {i} 10 STORE d",
                "LREM k 1 {e}",
                "LSET k {i} {j}",
            ],
        },
        Case {
            shapes: &[Set, Integers],
            templates: &[
                "SADD k {new}",
                "SADD k {e}",
                "SADD k {big}",
                "SREM k {e}",
                "SREM k {e}; SADD k {e}",
                "SREM k {e}; SADD k {new}",
                "SMOVE k k2 {e}",
                "SPOP k",
                "SPOP k 10",
                "SPOP k; SADD k {new}",
                "SUNIONSTORE d k k2",
                "SINTERSTORE d k k2",
                "SDIFFSTORE d k k2",
                "SUNIONSTORE k k s",
                "SINTERSTORE d k s",
                "SINTERSTORE d s k",
                "SDIFFSTORE d s k",
                "SDIFFSTORE k k s",
                "SORT k ALPHA STORE d",
                "SORT k BY nosort LIMIT 0 10 STORE d",
                "ZUNIONSTORE d 2 k k2",
                "ZINTERSTORE d 2 k s",
                "COPY k d REPLACE",
            ],
        },
        Case {
            shapes: &[Hash, ExpiringHash],
            templates: &[
                "HSET k {e} {new}",
                "HSET k {e} {big}",
                "HSET k {e} {longer}",
                "HSET k {new} {new}",
                "HMSET k {new} v {e} v",
                "HSETNX k {e} v",
                "HDEL k {e}",
                "HDEL k {e}; HSET k {e} v",
                "HDEL k {e}; HSET k {new} v",
                "HSET k {e} 1; HINCRBY k {e} 7",
                "HSET k {e} 1; HINCRBYFLOAT k {e} 0.1",
                "HEXPIRE k 100000000 FIELDS 1 {e}",
                "HPEXPIRE k 100000000000 FIELDS 1 {e}",
                "HEXPIREAT k 4102444800 FIELDS 1 {e}",
                "HPEXPIREAT k 4102444800000 FIELDS 1 {e}",
                "HPEXPIREAT k 41024448{j} FIELDS 1 {e}",
                "HPEXPIREAT k 4102444800000 FIELDS 1 {e}; HPERSIST k FIELDS 1 {e}",
                "HPEXPIREAT k 1 FIELDS 1 {e}; HSET k {e} v",
                "HPERSIST k FIELDS 1 {e}",
                "HGETDEL k FIELDS 1 {e}",
                "HGETEX k PXAT 4102444800000 FIELDS 1 {e}",
                "HSETEX k PXAT 4102444800000 FIELDS 1 {e} v",
                "HSETEX k KEEPTTL FIELDS 1 {e} v",
                "SORT s BY k->{e} GET k->{e} STORE d",
                "COPY k d REPLACE",
            ],
        },
        Case {
            shapes: &[SortedSet, Tied],
            templates: &[
                "ZADD k {score} {new}",
                "ZADD k {score} {e}",
                "ZADD k {j} {e}",
                "ZADD k {j}.5 {e}",
                "ZADD k GT {j} {e}",
                "ZADD k {score} {big}",
                "ZINCRBY k 1 {e}",
                "ZINCRBY k {n} {e}",
                "ZINCRBY k 0.001 {e}",
                "ZREM k {e}",
                "ZREM k {e}; ZADD k {score} {e}",
                "ZPOPMIN k",
                "ZPOPMAX k 10",
                "BZPOPMIN k 0",
                "BZPOPMAX k 0",
                "ZMPOP 1 k MIN COUNT 10",
                "BZMPOP 0 1 k MAX COUNT 2",
                "ZADD k {j} {new}; ZPOPMIN k",
                "ZADD k {j} {new}; ZREMRANGEBYRANK k 0 0",
                "ZREMRANGEBYRANK k {i} {i}",
                "ZREMRANGEBYSCORE k {score} {score}",
                "ZREMRANGEBYSCORE k ({score} ({score}",
                "ZREMRANGEBYLEX k [{e} [{e}",
                "ZREMRANGEBYLEX k - ({e}; ZADD k 0 {e}",
                "ZRANGESTORE d k {i} {i}",
                "ZRANGESTORE d k {i} {i} REV",
                "ZRANGESTORE d k 0 -1",
                "ZRANGESTORE d k {score} +inf BYSCORE LIMIT 0 10",
                "ZRANGESTORE d k -inf +inf BYSCORE LIMIT {i} 10",
                "ZRANGESTORE d k [{e} + BYLEX LIMIT 0 10",
                "ZRANGESTORE d k - + BYLEX LIMIT {i} 1",
                "ZUNIONSTORE d 2 k k2",
                "ZUNIONSTORE k 2 k s",
                "ZUNIONSTORE d 2 k k2 WEIGHTS 0.5 3 AGGREGATE MIN",
                "ZINTERSTORE d 2 k k2",
                "ZINTERSTORE d 2 k s",
                "ZINTERSTORE d 2 s k",
                "ZDIFFSTORE d 2 k k2",
                "ZDIFFSTORE d 2 s k",
                "ZDIFFSTORE k 2 k s",
                "SORT k ALPHA STORE d",
                "SORT k BY nosort LIMIT {i} 10 STORE d",
                "COPY k d REPLACE",
            ],
        },
        Case {
            shapes: &[Geo],
            templates: &[
                "GEOADD k 13.4 52.5 {new}",
                "GEOADD k 13.4 52.5 {e}",
                "GEORADIUS k 13 52 100 km STORE d",
                "GEORADIUS k 13 52 30000 km COUNT 5 STORE d",
                "GEORADIUS k 13 52 30000 km COUNT 5 ANY STORE d",
                "GEORADIUSBYMEMBER k {e} 100 km STORE d",
                "GEOSEARCHSTORE d k FROMMEMBER {e} BYRADIUS 10 km ASC COUNT 1",
                "GEOSEARCHSTORE d k FROMMEMBER {e} BYBOX 300 300 km STOREDIST",
                "GEOSEARCHSTORE d k FROMLONLAT 0 0 BYRADIUS 30000 km",
                "GEOSEARCHSTORE d k FROMLONLAT 0 0 BYBOX 40000 20000 km DESC COUNT 10",
            ],
        },
        Case {
            shapes: &[Stream],
            templates: &[
                "XADD k {newid} f {new}",
                "XADD k {newid} f {big}",
                "XADD k {newid} {new} v",
                "XADD k {newid} a 1 b 2 c 3 d 4 e 5 f 6 g 7 h 8",
                "XADD k MAXLEN = {n} {newid} f v",
                "XADD k MAXLEN ~ {half} {newid} f v",
                "XADD k MAXLEN = 10 {newid} f v",
                "XADD k MINID = {id} {newid} f v",
                "XADD k NOMKSTREAM {newid} f v",
                "XADD k IDMP p {j} {newid} f v",
                "XDEL k {id}",
                "XDEL k {id}; XADD k {newid} f v",
                "XDELEX k KEEPREF IDS 1 {id}",
                "XTRIM k MINID = {id}",
                "XTRIM k MINID ~ {id} LIMIT 100",
                "XTRIM k MAXLEN = {half}",
                "XTRIM k MAXLEN ~ {n}",
                "XSETID k {newid}",
                "XSETID k {newid} ENTRIESADDED 9000000 MAXDELETEDID 0-1",
                "XCFGSET k IDMP-DURATION 100 IDMP-MAXSIZE 10000",
                "XIDMPRECORD k p {j} {id}",
                "XGROUP CREATE k g{j} {id}",
                "XGROUP CREATE k g {id}; XGROUP DESTROY k g",
                "XGROUP CREATE k g 0; XREADGROUP GROUP g c COUNT 10 STREAMS k >",
                "COPY k d REPLACE",
                "COPY k d REPLACE; XDEL d {id}",
            ],
        },
        Case {
            shapes: &[Pending, Deleted],
            templates: &[
                "XACK k g {id}",
                "XACKDEL k g DELREF IDS 1 {id}",
                "XDEL k {id}",
                "XDELEX k DELREF IDS 1 {id}",
                "XDELEX k ACKED IDS 1 {id}",
                "XTRIM k MINID = {id}",
                "XTRIM k MAXLEN = {half}; XADD k {newid} f v",
                "XCLAIM k g c2 0 {id}",
                "XCLAIM k g c2 0 {id} TIME 1700000000000 RETRYCOUNT 3 FORCE JUSTID LASTID {id}",
                "XCLAIM k g c{j} 0 {id} JUSTID",
                "XAUTOCLAIM k g c2 0 {id} COUNT 1",
                "XAUTOCLAIM k g c2 0 {id} COUNT 100 JUSTID",
                "XAUTOCLAIM k g c2 0 0 COUNT {half}",
                "XREADGROUP GROUP g c1 COUNT 1 STREAMS k {id}",
                "XREADGROUP GROUP g c1 COUNT 1 STREAMS k >",
                "XADD k {newid} f v; XREADGROUP GROUP g c1 COUNT 1 STREAMS k >; XACK k g {newid}",
                "XADD k {newid} f v; XREADGROUP GROUP g c1 NOACK STREAMS k >",
                "XGROUP CREATECONSUMER k g n{j}",
                "XGROUP CREATECONSUMER k g x; XGROUP DELCONSUMER k g x",
                "XGROUP DELCONSUMER k g c1; XCLAIM k g c1 0 {id} FORCE JUSTID",
                "XGROUP SETID k g {id}",
                "XGROUP SETID k g 0; XREADGROUP GROUP g c1 COUNT 10 STREAMS k >",
                "XGROUP DESTROY k g; XGROUP CREATE k g $",
                "COPY k d REPLACE",
            ],
        },
        Case {
            shapes: &[Groups],
            templates: &[
                "XADD k {newid} f v",
                "XADD k MAXLEN = 100 {newid} f v",
                "XADD k {newid} f v; XDEL k {newid}",
                "XADD k {newid} f v; XDELEX k DELREF IDS 1 {newid}",
                "XADD k {newid} f v; XDELEX k ACKED IDS 1 {newid}",
                "XACK k g{i} 1-0 2-0",
                "XACKDEL k g{i} ACKED IDS 1 1-0",
                "XCLAIM k g{i} c2 0 1-0 JUSTID",
                "XGROUP CREATE k n{j} 0",
                "XGROUP SETID k g{i} 5-0",
                "XGROUP CREATECONSUMER k g{i} n",
                "XGROUP DESTROY k g{i}; XGROUP CREATE k g{i} 0",
                "XREADGROUP GROUP g{i} c COUNT 1 STREAMS k >",
            ],
        },
        Case {
            shapes: &[Text, List, LongList, Numbers, Set, Integers, Hash, SortedSet, Geo, Stream, Pending, Sketch],
            templates: &[
                "RESTORE d 0 {payload} REPLACE",
                "RESTORE d 4102444800000 {payload} REPLACE ABSTTL; PERSIST d",
                "RESTORE d 0 {payload}; DEL d",
                "RESTORE d 0 {payload} REPLACE; APPEND d v; SADD d v; HSET d f v; \
                 LSET d 0 v; ZADD d 0 v; XADD d {newid} f v",
            ],
        },
        Case {
            shapes: &[Vectors],
            templates: &[
                "VADD k VALUES 4 1 2 3 {j} {e}",
                "VADD k VALUES 4 1 2 3 {j} {new}",
                "VREM k {e}",
                "VSETATTR k {e} {\"a\":{j}}",
            ],
        },
    ]
};

/// Commands without a case, and why.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("restore-asking", "RESTORE under another name"),
    ("function|restore", "its payload is decoded as an RDB is, once for each command"),
    ("hsetc", "newer than every server that is compared"),
];

/// Cases that are known to take much longer than on a server, by a part of their name, and why this is accepted.
pub const KNOWN: &[(&str, &str)] = &[
    (
        "Groups of 100000, Anywhere: XADD k {newid} f v; XDELEX k DELREF",
        "every group is asked; servers since 8.2 keep an index of the groups that an entry is pending in",
    ),
    (
        "RESTORE d 0 {payload} REPLACE; APPEND",
        "what changes after a RESTORE is decoded item by item; servers keep the packed nodes of lists as they come",
    ),
];
