#!/usr/bin/env python3
"""Writes testdata/damaged: small logs with one oddity each (standard library only, Python 3.8 or later).

    testdata/generate-damaged.py [DIRECTORY]

Always the same bytes. README.md beside this file lists what is in each.
"""
import os
import shutil
import sys


def command(*words):
    words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in words)


SELECT = command('SELECT', 0)
FIRST = SELECT + command('SET', 'first', 'one')
LAST = command('SET', 'last', 'two')
MULTI, EXEC, DISCARD = command('MULTI'), command('EXEC'), command('DISCARD')


def crc64(data):
    """As Redis: Jones' polynomial, reflected, from 0."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95AC9329AC4BC9B5 if crc & 1 else 0)
    return crc.to_bytes(8, 'little')


def rdb(version=10, wrong_checksum=False, value=b'\x05value'):
    """An RDB with one string key."""
    body = b'REDIS%04d' % version + b'\xfa\x09redis-ver\x057.0.0' + b'\xfe\x00\xfb\x01\x00' + b'\x00\x04base' + value + b'\xff'
    checksum = crc64(body)
    return body + (bytes([checksum[0] ^ 1]) + checksum[1:] if wrong_checksum else checksum)


def between(damage):
    """Whole records on both sides of the damage."""
    return FIRST + damage + LAST


def annotation(length):
    return b'#' + b'x' * (length - 3) + b'\r\n'


def restore(key, value, version=9, wrong_checksum=False):
    """A RESTORE of a type and a value, with a version and a checksum behind it."""
    body = value + version.to_bytes(2, 'little')
    checksum = crc64(body)
    return command('RESTORE', key, 0, body + (bytes([checksum[0] ^ 1]) + checksum[1:] if wrong_checksum else checksum))


# A compressed string that refers to before its beginning, a set with a member twice, a hash with a field twice.
BAD_LZF = b'\x00\xc3\x03\x0a\xff\xff\xff'
TWO_MEMBERS = b'\x02\x02\x01a\x01a'
TWO_FIELDS = b'\x04\x02\x01f\x01v\x01f\x01w'

FILES = {
    # counts and lengths
    'argc-zero': between(b'*0\r\n'),
    'argc-negative': between(b'*-1\r\n'),
    'argc-missing': FIRST + b'*\r\n',
    'argc-wraps-around': between(b'*4294967298\r\n' + SELECT[4:]),
    'argc-huge': FIRST + b'*2147483647\r\n$3\r\nSET\r\n',
    'argc-too-small': between(command('SET', 'key', 'value').replace(b'*3', b'*2')),
    'argc-with-letters': between(LAST.replace(b'*3\r', b'*3x\r')),
    'argc-with-zeros': between(LAST.replace(b'*3', b'*' + b'0' * 140 + b'3')),
    'length-negative': between(b'*2\r\n$3\r\nGET\r\n$-1\r\n'),
    'length-overflow': between(b'*2\r\n$3\r\nGET\r\n$9223372036854775804\r\n'),
    'length-beyond-overflow': between(b'*2\r\n$3\r\nGET\r\n$9223372036854775807\r\n'),
    'length-too-many-digits': between(b'*2\r\n$3\r\nGET\r\n$99999999999999999999999\r\n'),
    'length-past-end': between(b'*2\r\n$3\r\nGET\r\n$100000000000\r\n'),
    'length-too-small': between(command('SET', 'key', 'value').replace(b'$5', b'$4')),
    'length-too-large': between(command('SET', 'key', 'value').replace(b'$5', b'$6')),
    # line ends
    'bare-line-feed': between(LAST.replace(b'*3\r\n', b'*3\n')),
    'bare-line-feed-behind-length': between(LAST.replace(b'$4\r\n', b'$4\n')),
    'bare-line-feed-behind-payload': between(LAST.replace(b'last\r\n', b'last\n')),
    'wrong-terminator': between(LAST.replace(b'last\r\n', b'lastxx')),
    # what is no record
    'empty': b'',
    'inline-command': between(b'SET key value\r\n'),
    'empty-line': between(b'\r\n'),
    'zero-tail': FIRST + LAST + b'\0' * 512,
    'zeros-in-the-middle': between(b'\0' * 64),
    'zeros-in-payload': FIRST + b'*3\r\n$3\r\nSET\r\n$4\r\nlast\r\n$100\r\nabc' + b'\0' * 60,
    'garbage-tail': FIRST + LAST + bytes((index * 37 + 11) % 256 for index in range(80)),
    'random-start': b'\x7fELF' + FIRST,
    'starts-like-a-manifest': b'file appendonly.aof seq\r\n' + FIRST,
    'value-like-a-manifest': FIRST + command('SET', 'note', b'\r\nfile appendonly.aof.1.base.rdb seq 1 type b\r\n'),
    'value-like-records': FIRST + command('SET', 'log', b'\r\n' + MULTI + LAST),
    # cuts
    'cut-behind-star': FIRST + b'*',
    'cut-in-count': FIRST + b'*3\r',
    'cut-in-length': FIRST + b'*3\r\n$3\r\nSET\r\n$',
    'cut-in-payload': FIRST + LAST[:-5],
    'cut-in-terminator': FIRST + LAST[:-1],
    'cut-between-arguments': FIRST + LAST[:-9],
    'cut-in-annotation': FIRST + b'#TS:17000',
    'cut-in-transaction': FIRST + MULTI + command('SET', 'queued', 'x') + LAST[:-5],
    # transactions
    'open-transaction': FIRST + MULTI + LAST,
    'multi-at-end': FIRST + MULTI,
    'nested-multi': FIRST + MULTI + command('SET', 'a', 1) + MULTI + command('SET', 'b', 2) + EXEC + LAST,
    'nested-multi-open': FIRST + MULTI + MULTI + EXEC + MULTI + LAST,
    'exec-alone': between(EXEC),
    'discard-alone': between(DISCARD),
    'discard-in-transaction': FIRST + MULTI + command('SET', 'a', 1) + DISCARD + EXEC + LAST,
    'empty-transaction': between(MULTI + EXEC),
    'multi-with-arguments': FIRST + command('MULTI', 'x') + LAST + EXEC,
    'mixed-case-transaction': FIRST + command('mUlTi') + LAST + command('eXeC'),
    # commands
    'unknown-command': between(command('JSON.SET', 'doc', '$', '{}')),
    'unknown-command-in-transaction': FIRST + MULTI + command('NOSUCH', 'x') + EXEC + LAST,
    'unknown-subcommand': between(command('XGROUP', 'NOSUCH', 'stream')),
    'subcommand-missing': between(command('FUNCTION')),
    'empty-name': between(command('')),
    'nul-in-name': FIRST + MULTI + LAST + command(b'EXEC\0'),
    'wrong-arity': between(command('SET', 'key')),
    'failing-command': between(command('INCR', 'first')),
    'database-out-of-range': FIRST + command('SELECT', 99) + LAST,
    # RESTORE, with a checksum that is right unless the name says otherwise
    'restore': between(restore('key', b'\x00\x05value')),
    'restore-lzf': between(restore('key', BAD_LZF)),
    'restore-lzf-in-transaction': FIRST + MULTI + restore('key', BAD_LZF) + EXEC + LAST,
    'restore-lzf-with-negative-ttl': between(restore('key', BAD_LZF).replace(b'$1\r\n0\r\n', b'$2\r\n-1\r\n')),
    'restore-member-twice': between(restore('key', TWO_MEMBERS)),
    'restore-field-twice': between(restore('key', TWO_FIELDS)),
    'restore-nan': between(restore('key', b'\x05\x01\x01m' + b'\0\0\0\0\0\0\xf8\x7f')),
    'restore-ziplist': between(restore('key', b'\x0d\x03abc')),
    'restore-listpack': between(restore('key', b'\x10\x03abc', version=10)),
    'restore-intset': between(restore('key', b'\x0b\x03abc')),
    'restore-stream-cut': between(restore('key', b'\x0f\x01\x10abc')),
    'restore-module': between(restore('key', b'\x07\x81\x11\x22\x33\x44\x55\x66\x77\x88\x00')),
    'restore-string-encoding': between(restore('key', b'\x00\xc4bar')),
    'restore-value-cut': between(restore('key', b'\x00\x20value')),
    'restore-value-ends-in-footer': between(restore('key', b'\x00\x06value')),
    'restore-value-too-long': between(restore('key', b'\x00\x03value')),
    'restore-empty-list': between(restore('key', b'\x01\x00')),
    'restore-unknown-type': between(restore('key', b'\x63\x05value')),
    'restore-wrong-checksum': between(restore('key', b'\x00\x05value', wrong_checksum=True)),
    'restore-of-the-future': between(restore('key', b'\x00\x05value', version=99)),
    'restore-too-short': between(command('RESTORE', 'key', 0, 'short')),
    # annotations
    'annotation-at-limit': between(annotation(1023)),
    'annotation-too-long': between(annotation(1024)),
    'annotation-hides-record': FIRST + b'#' + b'x' * 1022 + command('SET', 'hidden', 1) + LAST,
    'annotation-in-transaction': FIRST + b'#TS:1700000000\r\n' + MULTI + b'#TS:1700000001\r\n' + LAST + EXEC,
    'annotation-endless': FIRST + b'#' + b'x' * 3000,
    'timestamps-backwards': b'#TS:1700000009\r\n' + FIRST + b'#TS:1700000001\r\n' + LAST + b'#TS:not a number\r\n',
    # RDB in front
    'preamble': rdb() + SELECT + LAST,
    'preamble-only': rdb(),
    'preamble-cut': rdb()[:-12],
    'preamble-wrong-checksum': rdb(wrong_checksum=True) + SELECT + LAST,
    'preamble-without-checksum': rdb()[:-8] + b'\0' * 8 + SELECT + LAST,
    'preamble-of-the-future': rdb(version=9999) + SELECT + LAST,
    'preamble-then-cut': rdb() + SELECT + LAST[:-3],
    'preamble-with-damaged-value': rdb(value=b'\xc3\x03\x0a\xff\xff\xff') + SELECT + LAST,
    'preamble-twice': rdb() + rdb() + SELECT + LAST,
}

BASE, INCR, NEXT = 'appendonly.aof.1.base.rdb', 'appendonly.aof.1.incr.aof', 'appendonly.aof.2.incr.aof'
PARTS = {BASE: rdb(), INCR: FIRST, NEXT: LAST}


def line(name, sequence, kind, rest=''):
    return ('file %s seq %s type %s%s\n' % (name, sequence, kind, rest)).encode()


WHOLE = line(BASE, 1, 'b') + line(INCR, 1, 'i') + line(NEXT, 2, 'i')

# Name, manifest, and the parts that differ from PARTS (None: not there).
DIRECTORIES = {
    'manifest-whole': (WHOLE, {}),
    'manifest-empty': (b'', {}),
    'manifest-leading-space': (b' ' + WHOLE, {}),
    'manifest-garbage-first': (b'garbage\n' + WHOLE, {}),
    'manifest-no-line-end': (WHOLE[:-1], {}),
    'manifest-blank-line': (WHOLE.replace(b'\n', b'\n\n', 1), {}),
    'manifest-carriage-returns': (WHOLE.replace(b'\n', b'\r\n'), {}),
    'manifest-comments': (b'# written by hand\n' + WHOLE, {}),
    'manifest-upper-case': (WHOLE.replace(b'file', b'FILE').replace(b'type', b'TYPE'), {}),
    'manifest-other-order': (b'type b seq 1 file %s\nseq 1 file %s type i startoffset 0\nfile "%s" colour "a \\x22b" seq 2 type i\n'
                             % (BASE.encode(), INCR.encode(), NEXT.encode()), {}),
    'manifest-incr-before-base': (line(INCR, 1, 'i') + line(NEXT, 2, 'i') + line(BASE, 1, 'b'), {}),
    'manifest-sequence-zero': (WHOLE.replace(b'seq 1 type i', b'seq 0 type i'), {}),
    'manifest-sequence-falls': (line(BASE, 1, 'b') + line(NEXT, 2, 'i') + line(INCR, 1, 'i'), {}),
    'manifest-two-bases': (line(BASE, 1, 'b') + WHOLE, {}),
    'manifest-path-in-name': (WHOLE.replace(BASE.encode(), b'../manifest-whole/' + BASE.encode()), {}),
    'manifest-unknown-type': (WHOLE.replace(b'type b', b'type x'), {}),
    'manifest-missing-part': (WHOLE, {INCR: None}),
    'manifest-line-missing': (WHOLE[:WHOLE.rindex(b'file')], {}),
    'manifest-missing-history': (line('appendonly.aof.0.incr.aof', 1, 'h') + WHOLE, {}),
    'part-cut-not-last': (WHOLE, {INCR: FIRST[:-3]}),
    'part-cut-last': (WHOLE, {NEXT: LAST[:-3]}),
    'part-malformed-not-last': (WHOLE, {INCR: between(b'*-1\r\n')}),
    'part-base-cut': (WHOLE, {BASE: rdb()[:-12]}),
    'part-base-wrong-checksum': (WHOLE, {BASE: rdb(wrong_checksum=True)}),
    'part-base-with-damaged-value': (WHOLE, {BASE: rdb(value=b'\xc3\x03\x0a\xff\xff\xff')}),
    'part-base-empty': (WHOLE, {BASE: b''}),
    'part-incr-is-rdb': (WHOLE, {NEXT: rdb() + LAST}),
    'part-open-transaction-not-last': (WHOLE, {INCR: FIRST + MULTI + command('SET', 'queued', 1)}),
    'part-transaction-spans-two': (WHOLE, {INCR: FIRST + MULTI + command('SET', 'queued', 1), NEXT: EXEC + LAST}),
    'part-begins-in-database-0': (WHOLE, {INCR: command('SELECT', 3) + FIRST, NEXT: command('SET', 'last', 1)}),
    'part-incr-empty': (WHOLE, {INCR: b'', NEXT: b''}),
}


# The files of data directories.
DATA_DIRECTORIES = {
    'upgrade-interrupted': {
        'appendonly.aof': rdb() + SELECT + LAST,
        'appendonlydir/appendonly.aof.manifest': line('appendonly.aof', 1, 'b'),
    },
}


def write(path, data):
    with open(path, 'wb') as file:
        file.write(data)


def main():
    target = os.path.join(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(__file__) or '.'), 'damaged')
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    for name, data in FILES.items():
        write(os.path.join(target, name + '.aof'), data)
    for name, (manifest, changed) in DIRECTORIES.items():
        folder = os.path.join(target, name)
        os.makedirs(folder)
        write(os.path.join(folder, 'appendonly.aof.manifest'), manifest)
        for part, data in {**PARTS, **changed}.items():
            if data is not None:
                write(os.path.join(folder, part), data)
    for name, files in DATA_DIRECTORIES.items():
        os.makedirs(os.path.join(target, name, 'appendonlydir'))
        for file, data in files.items():
            write(os.path.join(target, name, file), data)


if __name__ == '__main__':
    main()
