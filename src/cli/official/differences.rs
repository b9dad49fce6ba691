//! Where the drop-in differs from the real tools.

/// Every difference from `redis-check-aof` 8.0.6 and `valkey-check-aof` 9.1.2, a sentence or two each.
pub const DIFFERENCES: &[&str] = &[
    "A base in Valkey 9's own format (VALKEY080) is checked as the RDB that it is. The real tools take it for RESP, \
     call it invalid, and --fix cuts it to 0 bytes. Under the name redis-check-aof it is refused, for no Redis can load it, and left \
     alone.",
    "A manifest that begins with a blank, or with a line that is no entry, is taken for a manifest: servers do so too. The real \
     tools take it for a log, and --fix cuts it to 0 bytes.",
    "Nothing is opened for writing unless --fix or --truncate-to-timestamp is given, so a plain check works on read-only media.",
    "Before anything is cut off, it is written to a directory NAME.aofkit-kept-N beside the file (with another number if that \
     exists) and forced to disk; on a terminal a line on standard error names that file. The real tools keep no copy.",
    "A file whose length has changed since it was read is not cut: \"Failed to truncate AOF\".",
    "--truncate-to-timestamp cuts before the transaction that is open at the first later annotation. The real tools cut inside \
     it, and what they leave is not valid.",
    "A length that no machine has the memory for (from about 2^47 up) is reported as a short read. The real tools crash (\"Out Of \
     Memory allocating N bytes!\") or hang, as they do on a module's value that the end of the file cuts.",
    "For such a length in an RDB preamble the real tools print one more line, that of the server's log: \
     \"rdbGenericLoadStringObject failed allocating N bytes\", or \"rdbLoadLzfStringObject\" for a compressed string, behind which \
     they report a short read where this one finds the compressed string to be wrong. Near 2^64 valkey-check-aof crashes instead.",
    "Where a line ends before the two bytes that should be CRLF, \"got: 00\" is followed by 00. The real tools print what an earlier \
     line left in their buffer.",
    "An error inside a value of an RDB preamble is reported as at rdb.c:0: the line number is that of another program's source. The reason \
     behind it may be worded otherwise where several things are wrong with a value or a stream ends early.",
    "A FIFO and a socket are refused (\"Cannot read file\"): the real tools call them empty, whatever comes through them.",
    "--version has the version that is imitated, and the program that imitates it: build=aofkit-….",
    "The time in a line of the server's log is UTC.",
];
