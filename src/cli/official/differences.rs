//! Where the drop-in differs from the real tools.

/// Every difference from `redis-check-aof` 8.0.6 and `valkey-check-aof` 9.1.2, a sentence or two each.
pub const DIFFERENCES: &[&str] = &[
    "A base in the format of Valkey 9 (VALKEY080) is checked as an RDB. The real tools read it as RESP, call it \
     invalid, and --fix cuts it to 0 bytes. The tool named redis-check-aof refuses it, since no Redis can load it, \
     and leaves it unchanged.",
    "A manifest that begins with a space, or with a line that is not an entry, is read as a manifest, as servers do. \
     The real tools read it as a log, and --fix cuts it to 0 bytes.",
    "Nothing is opened for writing unless --fix or --truncate-to-timestamp is given, so a plain check works on \
     read-only media.",
    "Bytes that are cut off are first written to a directory NAME.aofkit-kept-N beside the file and forced to disk; \
     on a terminal, a line on standard error names the copy. The real tools keep no copy.",
    "If whole records follow the place where --fix cuts, a last line tells how many of them aofkit fix --salvage would \
     have kept, and the command that gets them back.",
    "A file whose length has changed since it was read is not cut: \"Failed to truncate AOF\".",
    "--truncate-to-timestamp cuts before the transaction that is open at the first later annotation. The real tools \
     cut inside the transaction, and leave a log that is not valid.",
    "A length for which no machine has enough memory (from about 2^47) is reported as a short read. The real tools \
     crash (\"Out Of Memory allocating N bytes!\") or hang, and also do so if the file ends inside the value of a \
     module.",
    "For such a length in an RDB preamble, the real tools print one more line, that of the server's log: \
     \"rdbGenericLoadStringObject failed allocating N bytes\", or \"rdbLoadLzfStringObject\" for a compressed string. \
     They then report a short read; this tool reports that the compressed string is invalid. Near 2^64, \
     valkey-check-aof crashes instead.",
    "Where a line ends before the two bytes that should be CRLF, \"got: 00\" is followed by 00. The real tools print \
     what an earlier line left in their buffer.",
    "An error inside a value of an RDB preamble is reported at rdb.c:0, since the line number refers to the source of \
     another program. The reason may be worded differently if a value has several defects or a stream ends early.",
    "A FIFO or a socket is refused (\"Cannot read file\"). The real tools call it empty, even if it has data.",
    "--version prints the version that is imitated and the program that imitates it: build=aofkit-….",
    "The times in lines of the server's log are UTC.",
];
