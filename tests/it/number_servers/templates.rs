//! Commands with a number in each of the places that take one.

use aofkit::Server;

/// Which servers a group of templates is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum For {
    All,
    /// Redis 7.0 and later, Valkey.
    Since70,
    /// Where fields of hashes expire: Redis 8, Valkey 9.
    Fields,
    Redis8,
    /// Redis 8.2 and later.
    Since82,
    /// Redis 8.6, Valkey 9.
    Newest,
    Redis86,
}

impl For {
    pub(crate) fn has(self, server: Server) -> bool {
        match self {
            Self::All => true,
            Self::Since70 => server != Server::Redis62,
            Self::Fields => server.is_redis_8() || server == Server::Valkey9,
            Self::Redis8 => server.is_redis_8(),
            Self::Since82 => matches!(server, Server::Redis82 | Server::Redis86),
            Self::Newest => matches!(server, Server::Redis86 | Server::Valkey9),
            Self::Redis86 => server == Server::Redis86,
        }
    }
}

/// Commands apart by `;`. `@` stands for the number, also inside a word, `K` for a key of the case's own, `K:d` for
/// another, `LONG` for a member that makes a sorted set a skip list, `PAYLOAD` for what DUMP gives of a string.
///
/// Numbers in templates that begin with `small:` are left out where the server would allocate as much memory.
pub(crate) const TEMPLATES: &[(For, &[&str])] = &[
    (For::All, STRINGS),
    (For::Since70, &["SET K v EX @ GET", "EXPIRE K @ NX;SET K v;EXPIRE K @ NX", "SET K v EX 4000000000;EXPIRE K @ GT"]),
    (
        For::Newest,
        &["MSETEX @ K v", "MSETEX 1 K v EX @", "MSETEX 1 K v PX @", "MSETEX 1 K v EXAT @", "MSETEX 1 K v PXAT @"],
    ),
    (For::All, COLLECTIONS),
    (For::Since70, &["RPUSH K a b;LMPOP @ K LEFT", "RPUSH K a b;LMPOP 1 K LEFT COUNT @"]),
    (
        For::Since70,
        &["RPUSH K a b;BLMPOP @ 1 K LEFT", "RPUSH K a b;BLMPOP 0 @ K LEFT", "RPUSH K a b;BLMPOP 0 1 K LEFT COUNT @"],
    ),
    (For::Fields, FIELDS),
    (For::All, SORTED_SETS),
    (For::Since70, &["ZADD K 1 a 2 b;ZMPOP @ K MIN", "ZADD K 1 a 2 b;ZMPOP 1 K MIN COUNT @"]),
    (
        For::Since70,
        &["ZADD K 1 a 2 b;BZMPOP @ 1 K MIN", "ZADD K 1 a;BZMPOP 0 @ K MIN", "ZADD K 1 a 2 b;BZMPOP 0 1 K MIN COUNT @"],
    ),
    (For::All, GEO),
    (For::All, SORT),
    (For::All, STREAMS),
    (For::Since70, STREAMS_SINCE_7),
    (For::Since82, STREAMS_SINCE_82),
    (For::Redis86, STREAMS_SINCE_86),
    (For::Redis8, VECTOR_SETS),
];

const STRINGS: &[&str] = &[
    "INCRBY K @",
    "SET K 10;INCRBY K @",
    "SET K -10;DECRBY K @",
    "SET K @;INCR K",
    "SET K @;DECR K",
    "SET K @;INCRBY K 5",
    "INCRBYFLOAT K @",
    "SET K 1.25;INCRBYFLOAT K @",
    "SET K @;INCRBYFLOAT K 1",
    "SET K @;INCRBYFLOAT K 0",
    "small:SETRANGE K @ x",
    "small:SETBIT K @ 1",
    "SETBIT K 3 @",
    "SET K v EX @",
    "SET K v PX @",
    "SET K v EXAT @",
    "SET K v PXAT @",
    "SETEX K @ v",
    "PSETEX K @ v",
    "SET K v;GETEX K EX @",
    "SET K v;GETEX K PX @",
    "SET K v;GETEX K EXAT @",
    "SET K v;GETEX K PXAT @",
    "SET K v;EXPIRE K @",
    "SET K v;PEXPIRE K @",
    "SET K v;EXPIREAT K @",
    "SET K v;PEXPIREAT K @",
    "small:BITFIELD K SET u8 @ 255",
    "small:BITFIELD K INCRBY i16 @ 300",
    "SET K abc;small:BITFIELD K SET u8 0 1 GET u8 @",
    "BITFIELD K SET u8 0 @",
    "BITFIELD K SET i64 0 @",
    "BITFIELD K SET u63 0 @",
    "BITFIELD K INCRBY u8 0 @",
    "BITFIELD K INCRBY i64 0 @ INCRBY i64 0 @",
    "BITFIELD K OVERFLOW SAT INCRBY i8 0 @",
    "BITFIELD K OVERFLOW SAT SET i8 0 @",
    "BITFIELD K OVERFLOW FAIL SET u4 0 @ SET u4 4 1",
    "BITFIELD K SET u@ 0 1",
    "BITFIELD K SET i@ 0 -1",
    "RESTORE K @ PAYLOAD",
    "RESTORE K @ PAYLOAD ABSTTL",
    "RESTORE K 0 PAYLOAD IDLETIME @",
    "RESTORE K 0 PAYLOAD FREQ @",
    "SET K v;COPY K K:d DB @",
    "SET K v;MOVE K @",
    "SET K a;BITCOUNT K @ 1;BITPOS K 1 @;GETRANGE K @ 1;SCAN @",
];

const COLLECTIONS: &[&str] = &[
    "RPUSH K a b c;LSET K @ x",
    "RPUSH K a b c;LTRIM K @ -1",
    "RPUSH K a b c;LTRIM K 0 @",
    "RPUSH K a b a b a;LREM K @ a",
    "RPUSH K a b c;LPOP K @",
    "RPUSH K a b c;RPOP K @",
    "RPUSH K a b;BLPOP K @",
    "RPUSH K a b;BRPOP K @",
    "RPUSH K a b;BRPOPLPUSH K K:d @",
    "RPUSH K a b;BLMOVE K K:d LEFT RIGHT @",
    "RPUSH K @",
    "SADD K @ 1",
    "SADD K 1 2 3;SREM K @",
    "SADD K a;SPOP K @",
    "HINCRBY K f @",
    "HSET K f 10;HINCRBY K f @",
    "HSET K f @;HINCRBY K f 1",
    "HINCRBYFLOAT K f @",
    "HSET K f 1.25;HINCRBYFLOAT K f @",
    "HSET K f @;HINCRBYFLOAT K f 1",
];

const FIELDS: &[&str] = &[
    "HSET K f v g w;HEXPIRE K @ FIELDS 1 f",
    "HSET K f v g w;HPEXPIRE K @ FIELDS 1 f",
    "HSET K f v g w;HEXPIREAT K @ FIELDS 1 f",
    "HSET K f v g w;HPEXPIREAT K @ FIELDS 1 f",
    "HSET K f v g w;HPEXPIREAT K 4102444800000 FIELDS 1 f;HPEXPIREAT K @ GT FIELDS 1 f",
    "HSET K f v g w;HPEXPIREAT K 4102444800000 FIELDS @ f",
    "HSET K f v g w;HPEXPIREAT K 4102444800000 FIELDS @ f g",
    "HSET K f v g w;HPEXPIREAT K 4102444800000 FIELDS 1 f;HPERSIST K FIELDS @ f",
    "HSET K f v g w;HGETEX K EX @ FIELDS 1 f",
    "HSET K f v g w;HGETEX K PX @ FIELDS 1 f",
    "HSET K f v g w;HGETEX K EXAT @ FIELDS 1 f",
    "HSET K f v g w;HGETEX K PXAT @ FIELDS 1 f",
    "HSET K f v g w;HGETEX K PXAT 4102444800000 FIELDS @ f",
    "HSET K g w;HSETEX K EX @ FIELDS 1 f v",
    "HSET K g w;HSETEX K PX @ FIELDS 1 f v",
    "HSET K g w;HSETEX K EXAT @ FIELDS 1 f v",
    "HSET K g w;HSETEX K PXAT @ FIELDS 1 f v",
    "HSETEX K FIELDS @ f v",
    "HSETEX K FIELDS @ f v g w",
    "HSET K f v g w;HGETDEL K FIELDS @ f",
];

const SORTED_SETS: &[&str] = &[
    "ZADD K @ m",
    "ZADD K @ LONG",
    "ZADD K 1 a @ m 3 c",
    "ZADD K 1 m;ZADD K @ m",
    "ZADD K 1 LONG;ZADD K @ LONG",
    "ZADD K 1 m;ZADD K GT @ m",
    "ZADD K 1 m;ZADD K LT @ m",
    "ZADD K 1.5 m;ZADD K INCR @ m",
    "ZINCRBY K @ m",
    "ZADD K 1.5 m;ZINCRBY K @ m",
    "ZADD K 1.5 LONG;ZINCRBY K @ LONG",
    "ZADD K @ m;ZINCRBY K 1 m",
    "ZADD K @ m;ZINCRBY K @ m",
    "ZADD K 0 a 1 b 1.5 c 2 d inf e;ZREMRANGEBYRANK K @ -1",
    "ZADD K 0 a 1 b 1.5 c 2 d inf e;ZREMRANGEBYRANK K 0 @",
    "ZADD K -inf - -1 0 0 a 1 b 1.5 c 2 d inf e;ZREMRANGEBYSCORE K @ +inf",
    "ZADD K -inf - -1 0 0 a 1 b 1.5 c 2 d inf e;ZREMRANGEBYSCORE K -inf @",
    "ZADD K -inf - -1 0 0 a 1 b 1.5 c 2 d inf LONG;ZREMRANGEBYSCORE K @ +inf",
    "ZADD K 0 a 0 b 0 1 0 01;ZREMRANGEBYLEX K @ +",
    "ZADD K 0 a 0 b 0 1 0 01;ZREMRANGEBYLEX K - @",
    "ZADD K 0 a 1 b 2 d;ZRANGESTORE K:d K @ -1",
    "ZADD K 0 a 1 b 2 d;ZRANGESTORE K:d K 0 @ REV",
    "ZADD K -inf - 0 a 1 b 1.5 c inf e;ZRANGESTORE K:d K @ inf BYSCORE",
    "ZADD K -inf - 0 a 1 b 1.5 c inf e;ZRANGESTORE K:d K @ -inf BYSCORE REV",
    "ZADD K 0 a 1 b 2 d;ZRANGESTORE K:d K -inf inf BYSCORE LIMIT @ 1",
    "ZADD K 0 a 1 b 2 d;ZRANGESTORE K:d K -inf inf BYSCORE LIMIT 0 @",
    "ZADD K 0 a 1 b 2 LONG;ZRANGESTORE K:d K -inf inf BYSCORE LIMIT @ 2",
    "ZADD K 0 a 1 b 2 d;ZUNIONSTORE K:d @ K",
    "ZADD K 0 a 1 b 2 d;ZUNIONSTORE K:d @ K K",
    "ZADD K 0 a 1 b 2 d;ZUNIONSTORE K:d 1 K WEIGHTS @",
    "ZADD K -inf - 0 a 1 b inf LONG;ZUNIONSTORE K:d 2 K K WEIGHTS 1 @ AGGREGATE MIN",
    "ZADD K 0 a 1 b 2 d;ZINTERSTORE K:d @ K",
    "ZADD K 0 a 1 b inf d;ZINTERSTORE K:d 1 K WEIGHTS @",
    "ZADD K 0 a 1 b 2 d;ZDIFFSTORE K:d @ K",
    "ZADD K 0 a 1 b 2 d;ZPOPMIN K @",
    "ZADD K 0 a 1 b 2 d;ZPOPMAX K @",
    "ZADD K 0 a 1 b;BZPOPMIN K @",
    "ZADD K 0 a 1 b;BZPOPMAX K @",
];

const GEO: &[&str] = &[
    "GEOADD K @ 0 m",
    "GEOADD K 0 @ m",
    "GEOADD K 1 1 a 2 2 b;GEORADIUS K @ 0 500 km STORE K:d",
    "GEOADD K 1 1 a 2 2 b;GEORADIUS K 0 @ 500 km STORE K:d",
    "GEOADD K 1 1 a 2 2 b;GEORADIUS K 0 0 @ km STORE K:d",
    "GEOADD K 1 1 a 2 2 b;GEORADIUS K 0 0 500 km COUNT @ STOREDIST K:d",
    "GEOADD K 1 1 a 2 2 b;GEORADIUSBYMEMBER K a @ km STOREDIST K:d",
    "GEOADD K 1 1 a 2 2 b;GEOSEARCHSTORE K:d K FROMLONLAT @ 0 BYRADIUS 500 km",
    "GEOADD K 1 1 a 2 2 b;GEOSEARCHSTORE K:d K FROMLONLAT 0 0 BYRADIUS @ km",
    "GEOADD K 1 1 a 2 2 b;GEOSEARCHSTORE K:d K FROMLONLAT 0 0 BYBOX @ 500 km",
    "GEOADD K 1 1 a 2 2 b;GEOSEARCHSTORE K:d K FROMLONLAT 0 0 BYBOX 500 @ km",
    "GEOADD K 1 1 a 2 2 b;GEOSEARCHSTORE K:d K FROMLONLAT 0 0 BYRADIUS 500 km ASC COUNT @",
];

const SORT: &[&str] = &[
    "ZADD K:e 1 m;RPUSH K 3 1 2;SORT K LIMIT @ 2 STORE K:d",
    "ZADD K:e 1 m;RPUSH K 3 1 2;SORT K LIMIT 0 @ STORE K:d",
    "ZADD K:e 1 m;RPUSH K 3 @ 1;SORT K STORE K:d",
    "ZADD K:e 1 m;RPUSH K @;SORT K STORE K:d",
    "ZADD K:e 1 m;RPUSH K @ @ 1;SORT K DESC STORE K:d",
    "ZADD K:e 1 m;SADD K 3 @ 1;SORT K STORE K:d",
    "ZADD K:e 1 m;ZADD K 3 3 1 @ 2 1;SORT K STORE K:d",
    "ZADD K:e 1 m;RPUSH K 1 2;SET K:1 @;SET K:2 1;SORT K BY K:* STORE K:d",
    "ZADD K:e 1 m;RPUSH K 1 2;HSET K:1 f @;HSET K:2 f 1;SORT K BY K:*->f STORE K:d",
    "ZADD K:e 1 m;RPUSH K 1 2;HSET K:1 f @;SORT K BY nosort GET K:*->f STORE K:d",
    "ZADD K:e 1 m;RPUSH K 3 @ 1;SORT K ALPHA STORE K:d",
];

const STREAMS: &[&str] = &[
    "XADD K @ f v",
    "XADD K 5-5 f v;XADD K @ f v",
    "XADD K 1-1 f v;XADD K 5-5 f v;XADD K MAXLEN @ 6-0 f v",
    "XADD K 1-1 f v;XADD K 5-5 f v;XADD K MAXLEN = @ 6-0 f v",
    "XADD K 1-1 f v;XADD K 5-5 f v;XADD K MINID @ 6-0 f v",
    "XADD K 1-1 f v;XADD K 5-5 f v;XADD K MINID = @ 6-0 f v",
    "XADD K 1-1 f v;XADD K MAXLEN ~ 1 LIMIT @ 6-0 f v",
    "XADD K 1-1 f v;XADD K MAXLEN ~ @ 6-0 f v",
    "XADD K 1-1 f v;XADD K 5-5 f v;XTRIM K MAXLEN @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XTRIM K MINID @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XTRIM K MAXLEN ~ 1 LIMIT @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XDEL K @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XSETID K @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g 0;XGROUP SETID K g @",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 FORCE;XACK K g @",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c @ 1-1 TIME 1000 FORCE",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 FORCE;XCLAIM K g d @ 1-1 TIME 2000",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 @ TIME 1000 FORCE",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 IDLE @ FORCE",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME @ FORCE",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 RETRYCOUNT @ FORCE",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 FORCE LASTID @",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 FORCE;XAUTOCLAIM K g d @ 0",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 FORCE;XAUTOCLAIM K g d 0 @",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XCLAIM K g c 0 1-1 TIME 1000 FORCE;XAUTOCLAIM K g d 0 0 COUNT @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g 0;XREADGROUP GROUP g c COUNT @ STREAMS K >",
    "XADD K 1-1 f v;XGROUP CREATE K g 0;XREADGROUP GROUP g c BLOCK @ STREAMS K >",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g 0;XREADGROUP GROUP g c STREAMS K @",
];

const STREAMS_SINCE_7: &[&str] = &[
    "XADD K 1-1 f v;XADD K 5-5 f v;XSETID K 6-6 ENTRIESADDED @ MAXDELETEDID 0-1",
    "XADD K 1-1 f v;XADD K 5-5 f v;XSETID K 6-6 ENTRIESADDED 5 MAXDELETEDID @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g 0 ENTRIESREAD @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g 0;XGROUP SETID K g 5-5 ENTRIESREAD @",
];

const STREAMS_SINCE_82: &[&str] = &[
    "XADD K 1-1 f v;XADD K 5-5 f v;XDELEX K IDS @ 1-1",
    "XADD K 1-1 f v;XADD K 5-5 f v;XDELEX K IDS 1 @",
    "XADD K 1-1 f v;XADD K 5-5 f v;XGROUP CREATE K g 0;XACKDEL K g IDS @ 1-1",
    "XADD K 1-1 f v;XADD K 5-5 f v;XADD K DELREF MAXLEN @ 6-0 f v",
];

const STREAMS_SINCE_86: &[&str] =
    &["XADD K 1-1 f v;XCFGSET K IDMP-DURATION @", "XADD K 1-1 f v;XCFGSET K IDMP-MAXSIZE @", "XADD K IDMP p i @ f v"];

const VECTOR_SETS: &[&str] = &[
    "VADD K VALUES @ 1 e",
    "VADD K VALUES @ 1 2 e",
    "VADD K VALUES 2 @ 1 e",
    "VADD K VALUES 2 0.5 @ e NOQUANT",
    "VADD K VALUES 2 1 0.5 e EF @",
    "VADD K VALUES 2 1 0.5 e M @",
    "VADD K REDUCE @ VALUES 2 1 0.5 e",
];
