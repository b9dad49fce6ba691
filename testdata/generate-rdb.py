#!/usr/bin/env python3
"""Write the files of testdata/rdb: by real servers where one can write them, byte by byte where none can any more.

    AOFKIT_SERVERS=DIR generate-rdb.py [OUTPUT]

DIR holds one folder per server (redis-6.2, redis-7.0, redis-8.0.6, redis-8.6, valkey-8.1, valkey-9.1), each with bin/. OUTPUT is
testdata/rdb beside this script unless given. Times and memory sizes in the files differ from run to run; nothing else
does. Python 3.8 or later, standard library only.
"""
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

SERVERS = ['redis-6.2', 'redis-7.0', 'redis-8.0.6', 'redis-8.6', 'valkey-8.1', 'valkey-9.1']
FUNCTION = "#!lua name=lib\nredis.register_function('one', function(keys, args) return 1 end)"
FUTURE = 4102444800000  # 2100-01-01


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.file = self.socket.makefile('rb')

    def call(self, *arguments):
        out = [b'*%d\r\n' % len(arguments)]
        for argument in arguments:
            if not isinstance(argument, bytes):
                argument = str(argument).encode()
            out.append(b'$%d\r\n%s\r\n' % (len(argument), argument))
        self.socket.sendall(b''.join(out))
        reply = self.read()
        if isinstance(reply, Exception):
            raise RuntimeError('%r: %s' % (arguments[:3], reply))
        return reply

    def read(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            return Exception(rest.decode('latin1'))
        if kind == b'$':
            length = int(rest)
            return None if length < 0 else self.file.read(length + 2)[:-2]
        if kind == b'*':
            return [self.read() for _ in range(int(rest))]
        if kind not in (b'+', b':'):
            raise ConnectionError('the server went away: %r' % line)
        return rest.decode('latin1')


class Server:
    """A server in a directory of its own, on a unix socket."""

    def __init__(self, name, *configuration):
        self.directory = tempfile.mkdtemp(prefix='aofkit-rdb.')
        folder = os.path.join(os.environ['AOFKIT_SERVERS'], name, 'bin')
        binary = next(os.path.join(folder, b) for b in ('redis-server', 'valkey-server')
                      if os.path.exists(os.path.join(folder, b)))
        path = os.path.join(self.directory, 's')
        lines = ['port 0', 'unixsocket ' + path, 'dir ' + self.directory, 'save ""', *configuration]
        if name != 'redis-6.2':
            lines.append('enable-debug-command yes')
        with open(os.path.join(self.directory, 'conf'), 'w') as conf:
            conf.write('\n'.join(lines) + '\n')
        self.process = subprocess.Popen([binary, os.path.join(self.directory, 'conf')],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                self.client = Client(path)
                break
            except OSError:
                time.sleep(0.02)
        self.call = self.client.call

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.directory)


# ---------------------------------------------------------------- written by servers

def noise(count, seed=1):
    """Bytes that do not compress."""
    out = bytearray()
    while len(out) < count:
        seed = (seed * 6364136223846793005 + 1442695040888963407) % 2 ** 64
        out += struct.pack('<Q', seed)
    return bytes(out[:count])


def fill(server, name, sizes):
    """Every type and encoding. `sizes`: elements and bytes that are just over what stays packed."""
    call = server.call
    many, long = sizes
    redis, valkey = name.startswith('redis'), name.startswith('valkey')
    version = tuple(int(part) for part in name.split('-')[1].split('.'))
    for key, value in {'embstr': 'hello', 'raw': 'y' + noise(60).hex(), 'lzf': 'abcabcabc' * 40, 'empty': ''}.items():
        call('SET', 'string:' + key, value)
    call('SET', b'string:binary\x00\xff\r\n', noise(70))
    for bits in (0, 7, 8, 15, 16, 31, 32, 63):
        call('SET', 'int:+%d' % bits, 2 ** bits - 1)
        call('SET', 'int:-%d' % bits, -2 ** bits)
    call('SET', 'key-' + 'k' * 100, 'a compressed key')
    call('SET', '12345', 'a key that is a number')
    call('PEXPIREAT', 'string:raw', FUTURE)
    call('SETBIT', 'string:bits', 20, 1)
    call('PFADD', 'string:hll', *range(50))

    mixed = ['a', '', '5', '-1', '4095', '-4096', '70000', '-8000000', '2000000000', 2 ** 40, -2 ** 62, 'x' * 70,
             noise(130).hex(), '007', '1.5', '-0']
    call('RPUSH', 'list:small', *mixed)
    call('RPUSH', 'list:many', *['element %d' % i for i in range(many)], noise(700).hex())
    if version >= (7,):
        call('DEBUG', 'QUICKLIST-PACKED-THRESHOLD', '2000b')
    call('RPUSH', 'list:long', 'short', noise(4000, 5), 'l' * 5000, 'end')
    call('SADD', 'set:int16', 1, -2, 300)
    call('SADD', 'set:int32', 1, -70000, 300)
    call('SADD', 'set:int64', 1, -2 ** 40, 300)
    call('SADD', 'set:small', *mixed)
    call('SADD', 'set:many', *['member %d' % i for i in range(many)])
    call('SADD', 'set:long', 'm' * long, '1')
    call('HSET', 'hash:small', 'field', 'value', 'number', 5, '', '', 'negative', -70000, '6', noise(50))
    call('HSET', 'hash:many', *[x for i in range(many) for x in ('f%d' % i, i)])
    call('HSET', 'hash:long', 'field', 'v' * long, '5', '6')
    scores = ['-inf', '-1.5', '0', '3', '3.14159', '1e300', '+inf']
    call('ZADD', 'zset:small', *[x for i, s in enumerate(scores) for x in (s, 'm%d' % i)])
    call('ZADD', 'zset:many', *[x for i in range(many) for x in (i * 0.5, 'm%d' % i)])
    call('ZADD', 'zset:long', 1, 'z' * long, 2, '7')
    call('GEOADD', 'zset:geo', 13.36, 38.11, 'Palermo', 15.08, 37.5, 'Catania')

    for i in range(1, 8):
        call('XADD', 'stream', '%d-%d' % (i, i), 'field', i, 'other', 'v' * i)
    call('XADD', 'stream', '1000-1', 'third', 'x', 'fourth', noise(80))
    call('XDEL', 'stream', '3-3')
    call('XGROUP', 'CREATE', 'stream', 'group', 0)
    call('XGROUP', 'CREATE', 'stream', 'idle group', '5-0')
    call('XREADGROUP', 'GROUP', 'group', 'alice', 'COUNT', 3, 'STREAMS', 'stream', '>')
    call('XREADGROUP', 'GROUP', 'group', 'bob', 'COUNT', 1, 'STREAMS', 'stream', '>')
    call('XGROUP', 'CREATECONSUMER', 'stream', 'group', 'carol')
    call('XACK', 'stream', 'group', '1-1')
    call('XGROUP', 'CREATE', 'stream:empty', 'g', '$', 'MKSTREAM')
    for i in range(110):
        call('XADD', 'stream:nodes', '5-%d' % (i + 1), 'f', i)
    call('SELECT', 9)
    call('SET', 'in database 9', 'yes', 'PX', 10 ** 12)
    call('SELECT', 0)
    if version >= (7,):
        call('FUNCTION', 'LOAD', FUNCTION)
    if redis and version >= (7, 4) or valkey and version >= (9,):
        call('HSET', 'hash:expiring', 'a', 1, 'b', 2, 'c', 'x' * 30)
        call('HPEXPIREAT', 'hash:expiring', FUTURE, 'FIELDS', 1, 'b')
        call('HPEXPIREAT', 'hash:expiring', FUTURE + 5000, 'FIELDS', 1, 'a')
        call('HSET', 'hash:expiring:many', *[x for i in range(many) for x in ('f%d' % i, i)])
        call('HPEXPIREAT', 'hash:expiring:many', FUTURE, 'FIELDS', 2, 'f1', 'f2')
        call('HSET', 'hash:expiring:long', 'a', 'v' * long, 'b', 1)
        call('HPEXPIREAT', 'hash:expiring:long', FUTURE, 'FIELDS', 1, 'a')
    if redis and version >= (8, 6):
        for producer, message in ('p', 'one'), ('p', 'two'), ('q', 'one'), ('p', 'one'):
            call('XADD', 'stream:producers', 'IDMP', producer, message, '*', 'field', message)
        call('XADD', 'stream:producers', 'IDMPAUTO', 'auto', '*', 'field', 'value', 'other', 'x')
        call('XADD', 'stream:settings', '1-1', 'field', 'value')
        call('XCFGSET', 'stream:settings', 'IDMP-DURATION', 86400, 'IDMP-MAXSIZE', 10000)
    if redis and version >= (8,):
        try:
            call('VADD', 'vectors', 'VALUES', 3, 0.1, 0.2, 0.3, 'element')
            call('VADD', 'vectors', 'VALUES', 3, 0.9, 0.2, 0.1, 'another', 'SETATTR', '{"a":1}')
        except RuntimeError as error:
            print(name, 'has no vector sets:', error)


def packed_limits(name, entries, size):
    packed = 'ziplist' if name == 'redis-6.2' else 'listpack'
    out = ['%s-max-%s-entries %d' % (kind, packed, entries) for kind in ('hash', 'zset')]
    out += ['%s-max-%s-value %d' % (kind, packed, size) for kind in ('hash', 'zset')]
    if name not in ('redis-6.2', 'redis-7.0'):
        out += ['set-max-listpack-entries %d' % entries, 'set-max-listpack-value %d' % size]
    return out


def by_server(name, output):
    limits = packed_limits(name, 16, 64) + ['list-max-%s-size 12' % ('ziplist' if name == 'redis-6.2' else 'listpack')]
    for suffix, extra in (('', []), ('-uncompressed', ['rdbcompression no', 'rdbchecksum no']),
                          ('-plain', packed_limits(name, 0, 0)[:2] + ['set-max-intset-entries 0']),
                          ('-lfu', ['maxmemory-policy allkeys-lfu', 'maxmemory 1gb']),
                          ('-lru', ['maxmemory-policy allkeys-lru', 'maxmemory 1gb'])):
        server = Server(name, *limits, *extra)
        try:
            if suffix in ('-lfu', '-lru'):
                for i in range(5):
                    server.call('SET', 'key:%d' % i, i)
                server.call('PEXPIREAT', 'key:1', FUTURE)
            else:
                fill(server, name, (20, 80))
            if suffix == '-lru':
                time.sleep(1.1)
            server.call('SAVE')
            shutil.copy(os.path.join(server.directory, 'dump.rdb'), os.path.join(output, name + suffix + '.rdb'))
        finally:
            server.stop()


def preamble(output):
    """An append-only file of 6.2: an RDB, then commands."""
    server = Server('redis-6.2', 'appendonly yes', 'aof-use-rdb-preamble yes', 'appendfsync always',
                    'auto-aof-rewrite-percentage 0')
    try:
        server.call('SET', 'before', 'the rewrite')
        server.call('RPUSH', 'list', *range(10))
        server.call('BGREWRITEAOF')
        while b'aof_rewrite_in_progress:1' in server.call('INFO', 'persistence'):
            time.sleep(0.02)
        server.call('SET', 'after', 'the rewrite')
        server.call('INCR', 'counter')
        shutil.copy(os.path.join(server.directory, 'appendonly.aof'), os.path.join(output, 'redis-6.2-preamble.aof'))
    finally:
        server.stop()


# ---------------------------------------------------------------- written byte by byte

def length(n):
    if n < 64:
        return bytes([n])
    if n < 16384:
        return bytes([0x40 | n >> 8, n & 255])
    return b'\x80' + struct.pack('>I', n)


def string(data):
    data = data if isinstance(data, bytes) else str(data).encode()
    return length(len(data)) + data


def crc64(data):
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x95ac9329ac4bc9b5 if crc & 1 else 0)
    return crc


def rdb(header, *parts):
    body = header + b''.join(parts) + b'\xff'
    version = int(header.lstrip(b'REDISVALKY'))
    return body + struct.pack('<Q', crc64(body)) if version >= 5 else body


def entry(number, key, value):
    return bytes([number]) + string(key) + value


def zipmap(*pairs):
    out = bytes([len(pairs)])
    for index, (field, value) in enumerate(pairs):
        spare = index % 3  # as left behind by values that became shorter
        out += bytes([len(field)]) + field + bytes([len(value), spare]) + value + b'.' * spare
    return out + b'\xff'


def ziplist(*elements):
    out, previous, tail = b'', 0, 10
    for element in elements:
        if isinstance(element, bytes):
            size = len(element)
            if size < 64:
                coded = bytes([size]) + element
            elif size < 16384:
                coded = bytes([0x40 | size >> 8, size & 255]) + element
            else:
                coded = b'\x80' + struct.pack('>I', size) + element
        elif 0 <= element <= 12:
            coded = bytes([0xf1 + element])
        else:
            for bits, first in ((8, 0xfe), (16, 0xc0), (24, 0xf0), (32, 0xd0), (64, 0xe0)):
                if -2 ** (bits - 1) <= element < 2 ** (bits - 1):
                    coded = bytes([first]) + struct.pack('<q', element)[:bits // 8]
                    break
        tail = 10 + len(out)
        before = bytes([previous]) if previous < 254 else b'\xfe' + struct.pack('<I', previous)
        out += before + coded
        previous = len(before) + len(coded)
    return struct.pack('<IIH', 11 + len(out), tail, len(elements)) + out + b'\xff'


def listpack(*elements):
    out = b''
    for element in elements:
        if isinstance(element, bytes):
            size = len(element)
            if size < 64:
                coded = bytes([0x80 | size]) + element
            elif size < 4096:
                coded = bytes([0xe0 | size >> 8, size & 255]) + element
            else:
                coded = b'\xf0' + struct.pack('<I', size) + element
        elif 0 <= element < 128:
            coded = bytes([element])
        elif -4096 <= element < 4096:
            coded = bytes([0xc0 | (element & 0x1fff) >> 8, element & 255])
        else:
            for bits, first in ((16, 0xf1), (24, 0xf2), (32, 0xf3), (64, 0xf4)):
                if -2 ** (bits - 1) <= element < 2 ** (bits - 1):
                    coded = bytes([first]) + struct.pack('<q', element)[:bits // 8]
                    break
        size, back = len(coded), b''
        while True:
            back = bytes([size & 127 | (0x80 if back else 0)]) + back
            size >>= 7
            if not size:
                break
        # The first byte holds the high bits; all but it say that another one comes before them.
        back = bytes([back[0] & 127]) + bytes(byte | 0x80 for byte in back[1:])
        out += coded + back
    return struct.pack('<IH', 7 + len(out), len(elements)) + out + b'\xff'


def lzf(compressed, size):
    return b'\xc3' + length(len(compressed)) + length(size) + compressed


ELEMENTS = [b'', b'a', b'z' * 70, b'q' * 300, 0, 12, 13, -1, 127, -128, 32767, -32768, 8388607, -8388608, 2 ** 31 - 1,
            -2 ** 31, 2 ** 63 - 1, -2 ** 63, b'end']


def module_id(name, version):
    characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    number = 0
    for character in name:
        number = number << 6 | characters.index(character)
    return b'\x81' + struct.pack('>Q', number << 10 | version)


MODULE = b''.join([b'\x02\x05', b'\x01\x81' + b'\xff' * 8, b'\x03' + struct.pack('<f', 1.5),
                   b'\x04' + struct.pack('<d', 2.5), b'\x05' + string('text'), b'\x00'])


def crafted():
    select = b'\xfe' + length(0)
    old = [entry(0, 'string', string('value')), entry(0, 'number', b'\xc2' + struct.pack('<i', -2 ** 31)),
           entry(1, 'list', length(3) + string('a') + b'\xc0\x07' + string('')),
           entry(2, 'set', length(2) + string('a') + string('b')),
           entry(3, 'zset', length(6) + b''.join(string('m%d' % i) + score for i, score in enumerate(
               [b'\xff', b'\xfe', string('1.5'), string('-3'), string('1e300'), string('17')]))),
           entry(4, 'hash', length(2) + string('f') + string('v') + string('g') + b'\xc1\xff\x7f'),
           b'\xfd' + struct.pack('<i', 2 ** 31 - 1) + entry(0, 'expires', string('in 2038'))]
    packed = [entry(9, 'packed zipmap', string(zipmap((b'field', b'value'), (b'f', b''), (b'', b'v' * 200),
                                                   (b'x', b'y')))),
              entry(10, 'packed list', string(ziplist(*ELEMENTS))),
              entry(11, 'packed intset', string(struct.pack('<IIhhh', 2, 3, -5, 0, 7))),
              entry(12, 'packed zset', string(ziplist(b'a', -5, b'b', b'1.5', b'c', b'inf'))),
              entry(13, 'packed hash', string(ziplist(b'f', b'v', 5, 6))),
              entry(10, 'compressed', lzf(b'\x0c' + ziplist(b'a' * 40)[:13] + b'\xe0\x1e\x00' + b'\x00\xff', 53))]
    quick = [entry(14, 'quicklist', length(2) + string(ziplist(b'a', 1)) + string(ziplist(*ELEMENTS)))]
    modern = [entry(16, 'hash', string(listpack(b'f', b'v', 5, -6))),
              entry(17, 'zset', string(listpack(b'a', -5, b'b', b'1.5'))),
              entry(18, 'quicklist', length(3) + length(2) + string(listpack(*ELEMENTS)) + length(1)
                    + string('a plain node') + length(2) + string(listpack(b'x' * 5000)))]
    module = [b'\xf7' + module_id('aofkit-mo', 3) + b'\x02\x02' + MODULE,
              entry(7, 'module', module_id('aofkit-mo', 3) + MODULE)]
    expiring = [entry(22, 'hash 22', length(2) + b'\x81' + struct.pack('>Q', FUTURE) + string('f') + string('v')
                      + b'\x00' + string('g') + string('w')),
                entry(23, 'hash 23', string(listpack(b'f', b'v', FUTURE, b'g', b'w', FUTURE + 1, b'h', b'x', 0))),
                entry(24, 'hash 24', struct.pack('<q', FUTURE) + length(2) + length(1) + string('f') + string('v')
                      + b'\x00' + string('g') + string('w')),
                entry(25, 'hash 25', struct.pack('<q', FUTURE)
                      + string(listpack(b'f', b'v', FUTURE, b'g', b'w', 0)))]
    hash_2 = entry(22, 'hash', length(2) + string('f') + string('v') + struct.pack('<q', FUTURE)
                   + string('g') + string('w') + struct.pack('<q', -1))
    slots = [b'\xf3' + string('0123456789' * 4) + length(2) + length(0) + length(100) + length(200) + length(16383)]
    slot_info = b'\xf4' + length(5) + length(1) + length(0)
    meta = b'\xf3' + length(1) + b'spec' + b'\x02\x05\x00'
    return {
        'crafted-1.rdb': rdb(b'REDIS0001', select, *old),
        'crafted-2-zipmap.rdb': rdb(b'REDIS0002', select, *old, *packed[:4]),
        'crafted-6-ziplist.rdb': rdb(b'REDIS0006', select, *old, *packed),
        'crafted-7-quicklist.rdb': rdb(b'REDIS0007', b'\xfa' + string('redis-ver') + string('3.2.0'), select,
                                       b'\xfb\x01\x00', *quick),
        'crafted-9-module.rdb': rdb(b'REDIS0009', *module),
        'crafted-10-listpack.rdb': rdb(b'REDIS0010', *packed, *modern),
        'crafted-12-expiring.rdb': rdb(b'REDIS0012', select, slot_info, *expiring),
        'crafted-13-metadata.rdb': rdb(b'REDIS0013', select, b'\xfc' + struct.pack('<q', FUTURE) + meta
                                       + entry(0, 'key', string('value'))),
        'crafted-80-valkey.rdb': rdb(b'VALKEY080', *slots, select, slot_info, hash_2),
    }


def spliced(data, at, new):
    return data[:at] + new + data[at + len(new):]


def flawed_collections():
    """Values in which something is wrong, though their end is known: name -> (header, type, value)."""
    v9, v10, v11, v12, v80 = b'REDIS0009', b'REDIS0010', b'REDIS0011', b'REDIS0012', b'VALKEY080'
    none = length(0)
    zl, lp = ziplist(b'a', b'bb', 5), listpack(b'a', b'bb', 5)
    double = lambda number: struct.pack('<d', number)
    intset = lambda width, count, *members: struct.pack('<II', width, count) + b''.join(
        struct.pack('<h', member) for member in members)
    twice = string('f') + string('v') + string('f') + string('w')
    expiring = lambda *parts: string(listpack(*parts))
    out = {
        'empty-list': (v9, 1, none), 'empty-set': (v9, 2, none), 'empty-zset-ascii': (v9, 3, none),
        'empty-hash': (v9, 4, none), 'empty-zset': (v9, 5, none), 'empty-quicklist': (v9, 14, none),
        'empty-quicklist-node': (v9, 14, length(1) + string(ziplist())),
        'empty-list-ziplist': (v9, 10, string(ziplist())), 'empty-hash-ziplist': (v9, 13, string(ziplist())),
        'empty-zset-ziplist': (v9, 12, string(ziplist())), 'empty-intset': (v9, 11, string(intset(2, 0))),
        'empty-zipmap': (v9, 9, string(b'\0\xff')), 'empty-quicklist2': (v10, 18, none),
        'empty-quicklist2-node': (v10, 18, length(1) + length(2) + string(listpack())),
        'empty-hash-listpack': (v10, 16, string(listpack())), 'empty-zset-listpack': (v10, 17, string(listpack())),
        'empty-set-listpack': (v11, 20, string(listpack())),
        'twice-set': (v9, 2, length(3) + string('a') + string('b') + string('a')),
        'twice-set-number': (v9, 2, length(2) + string('7') + b'\xc0\x07'),
        'twice-zset': (v9, 5, length(2) + (string('a') + double(1)) * 2),
        'twice-zset-ascii': (v9, 3, length(2) + (string('a') + string('1')) * 2),
        'twice-hash': (v9, 4, length(2) + twice),
        'twice-hash-long': (v9, 4, length(3) + string('x' * 70) + string('y') + twice),
        'twice-hash-many': (v9, 4, length(602) + twice + b''.join(string('%d' % i) * 2 for i in range(600))),
        'twice-hash-ziplist': (v9, 13, string(ziplist(b'f', b'v', b'f', b'w'))),
        'twice-zset-ziplist': (v9, 12, string(ziplist(b'm', 1, b'm', 2))),
        'twice-hash-zipmap': (v9, 9, string(zipmap((b'f', b'v'), (b'f', b'w')))),
        'twice-hash-listpack': (v10, 16, string(listpack(5, b'v', b'5', b'w'))),
        'twice-zset-listpack': (v10, 17, string(listpack(b'm', 1, b'm', 2))),
        'twice-set-listpack': (v11, 20, string(listpack(b'm', b'm'))),
        'nan-zset': (v9, 5, length(1) + string('a') + double(float('nan'))),
        'nan-zset-ascii': (v9, 3, length(1) + string('a') + b'\xfd'),
        'score-text': (v9, 3, length(1) + string('a') + string('one')),
        'score-hex': (v9, 3, length(1) + string('a') + string('0x1p3')),
        'score-nothing': (v9, 3, length(1) + string('a') + none),
        'score-prefix': (v9, 3, length(1) + string('a') + string(' 1.5x')),
        'score-listpack': (v10, 17, string(listpack(b'm', b'one'))),
        'intset-order': (v9, 11, string(intset(2, 3, 1, 3, 2))), 'intset-twice': (v9, 11, string(intset(2, 2, 1, 1))),
        'intset-width': (v9, 11, string(intset(3, 1, 1))), 'intset-size': (v9, 11, string(intset(2, 3, 1, 2))),
        'intset-short': (v9, 11, string(b'\2\0\0')),
        'zipmap-count': (v9, 9, string(b'\2' + zipmap((b'f', b'v'))[1:])),
        'zipmap-behind': (v9, 9, string(zipmap((b'f', b'v')) + b'xx\xff')),
        'zipmap-overrun': (v9, 9, string(b'\1\1f\5\0v\xff')),
        'lzf-reference': (v9, 0, lzf(b'\0a\x20\x05', 4)), 'lzf-short': (v9, 0, lzf(b'\0a', 4)),
        'lzf-long': (v9, 0, lzf(b'\2abc', 2)), 'lzf-ends': (v9, 0, lzf(b'\5ab', 6)),
        'lzf-nothing': (v9, 0, lzf(b'\5a', 0)),
        'container': (v10, 18, length(1) + length(3) + string(lp)),
        'node-plain-empty': (v10, 18, length(1) + length(1) + none),
        'node-empty': (v9, 14, length(1) + none),
        'expiry-range': (v12, 24, struct.pack('<q', 5) + length(1) + b'\x81' + struct.pack('>Q', 2 ** 60) + string('f')
                         + string('v')),
        'expiry-earliest': (v12, 24, struct.pack('<q', -1) + length(1) + none + string('f') + string('v')),
        'expiry-earliest-listpack': (v12, 25, struct.pack('<q', -1) + expiring(b'f', b'v', 0)),
        'expiry-order': (v12, 25, struct.pack('<q', 5) + expiring(b'f', b'v', 9, b'g', b'v', 5)),
        'expiry-after-none': (v12, 25, struct.pack('<q', 5) + expiring(b'f', b'v', 0, b'g', b'v', 5)),
        'expiry-text': (v12, 25, struct.pack('<q', 5) + expiring(b'f', b'v', b'x')),
        # Not yet over: servers load it, and crash once they delete the field.
        'expiry-tuple': (v12, 25, struct.pack('<q', FUTURE) + expiring(b'f', b'v', FUTURE, b'g')),
        'twice-expiring': (v12, 24, struct.pack('<q', FUTURE) + length(2)
                           + (length(1) + string('f') + string('v')) * 2),
        'expiry-below-none': (v80, 22, length(1) + string('f') + string('v') + struct.pack('<q', -2)),
        'twice-expiring-valkey': (v80, 22, length(2) + (string('f') + string('v') + struct.pack('<q', -1)) * 2),
        'empty-expiring-valkey': (v80, 22, none),
        'module-opcode': (v9, 7, module_id('aofkit-mo', 3) + length(9) + none),
    }
    for name, number, lists in (('list', 10, True), ('quicklist', 14, False), ('hash', 13, True)):
        wrap = string if lists else lambda blob: length(1) + string(blob)
        whole = zl if name != 'hash' else ziplist(b'a', b'bb', 5, 6)
        for flaw, blob in {
            'count': spliced(whole, 8, b'\x09'), 'total': spliced(whole, 0, b'\x09'),
            'uncounted': spliced(whole, 8, b'\xff\xff'),
            'tail': spliced(whole, 4, b'\x0d'), 'far-tail': spliced(whole, 4, b'\xff\xff'),
            'previous': spliced(whole, 13, b'\x07'), 'encoding': spliced(whole, 11, b'\xc7'),
            'overrun': spliced(whole, 11, b'\x3f'), 'early-end': spliced(whole, 13, b'\xff'),
            'no-end': whole[:-1] + b'\xfe', 'short': whole[:9],
        }.items():
            out['ziplist-%s-%s' % (name, flaw)] = (v9, number, wrap(blob))
    out['ziplist-hash-odd'] = (v9, 13, string(zl))
    for name, header, number in (('quicklist', v10, 18), ('hash', v10, 16), ('set', v11, 20)):
        wrap = string if number != 18 else lambda blob: length(1) + length(2) + string(blob)
        whole = lp if name != 'hash' else listpack(b'a', b'bb', 5, 6)
        for flaw, blob in {
            'count': spliced(whole, 4, b'\x09'), 'total': spliced(whole, 0, b'\x09'),
            'uncounted': spliced(whole, 4, b'\xff\xff'),
            'backlen': spliced(whole, 8, b'\x05'), 'encoding': spliced(whole, 6, b'\xf7'),
            'overrun': spliced(whole, 6, b'\xbf'), 'early-end': spliced(whole, 9, b'\xff'),
            'no-end': whole[:-1] + b'\xfe', 'short': whole[:6],
        }.items():
            out['listpack-%s-%s' % (name, flaw)] = (header, number, wrap(blob))
    out['listpack-hash-odd'] = (v10, 16, string(lp))
    return out


def flawed_streams():
    number = struct.Struct('>QQ').pack
    good = listpack(1, 0, 1, b'f', 0, 2, 0, 0, b'v', 4)

    def stream(*nodes, entries=1, groups=(), keys=((5, 1), (6, 1), (7, 1))):
        out = length(len(nodes))
        for key, node in zip(keys, nodes):
            out += string(key if isinstance(key, bytes) else number(*key)) + string(node)
        return b'REDIS0009', 15, out + length(entries) + length(5) + length(1) + length(len(groups)) + b''.join(groups)

    def group(name, pending, *consumers):
        out = string(name) + length(5) + length(1) + length(len(pending))
        out += b''.join(number(*each) + bytes(8) + length(1) for each in pending) + length(len(consumers))
        for consumer, own in consumers:
            out += string(consumer) + bytes(8) + length(len(own)) + b''.join(number(*each) for each in own)
        return out

    early = good[:-1] + b'\xff\x05\x05\xff'
    early = struct.pack('<I', len(early)) + early[4:]
    one = (5, 1)
    return {
        'stream-good': stream(good, groups=[group('g', [one], ('c', [one]))]),
        'stream-count': stream(spliced(good, 4, b'\x4d')), 'stream-uncounted': stream(spliced(good, 4, b'\xff\xff')),
        'stream-early-end': stream(early), 'stream-goes-on': stream(listpack(1, 0, 1, b'f', 0, 2, 0, 0, b'v', 4, 9)),
        'stream-total': stream(spliced(good, 0, b'\x07')),
        'stream-ends': stream(listpack(2, 0, 1, b'f', 0, 2, 0, 0, b'v', 4)),
        'stream-length': stream(good, entries=7), 'stream-length-less': stream(good, entries=0),
        'stream-no-nodes': stream(entries=1), 'stream-no-entries': stream(entries=0),
        'stream-text': stream(listpack(1, 0, 1, b'f', 0, b'two', 0, 0, b'v', 4)),
        'stream-digits': stream(listpack(1, 0, 1, b'f', 0, b'2', 0, 0, b'v', 4)),
        'stream-negative': stream(listpack(-1, 1, 1, b'f', 0), entries=0),
        'stream-more-deleted': stream(listpack(2, -1, 1, b'f', 0, 2, 0, 0, b'v', 4), entries=2),
        'stream-zero-live': stream(listpack(0, 0, 1, b'f', 0), entries=0),
        'stream-flags': stream(listpack(1, 0, 1, b'f', 0, 77, 0, 0, b'v', 4)),
        'stream-flag-4': stream(listpack(1, 0, 1, b'f', 0, 6, 0, 0, b'v', 4)),
        'stream-deleted': stream(listpack(1, 1, 1, b'f', 0, 3, 0, 0, b'v', 4, 2, 1, 0, b'v', 4)),
        'stream-deleted-uncounted': stream(listpack(2, 0, 1, b'f', 0, 3, 0, 0, b'v', 4, 2, 1, 0, b'v', 4), entries=2),
        'stream-order': stream(listpack(2, 0, 1, b'f', 0, 2, 5, 0, b'v', 4, 2, 1, 0, b'v', 4), entries=2),
        'stream-same-id': stream(listpack(2, 0, 1, b'f', 0, 2, 5, 0, b'v', 4, 2, 5, 0, b'v', 4), entries=2),
        'stream-below-key': stream(listpack(1, 0, 1, b'f', 0, 2, -3, 0, b'v', 4)),
        'stream-lp-count': stream(listpack(1, 0, 1, b'f', 0, 2, 0, 0, b'v', 5)),
        'stream-master-end': stream(listpack(1, 0, 1, b'f', 1, 2, 0, 0, b'v', 4)),
        'stream-empty-node': stream(listpack()), 'stream-key': stream(good, keys=[b'k' * 15]),
        'stream-same-node': stream(good, good, entries=2, keys=[one, one]),
        'stream-node-order': stream(good, good, entries=2, keys=[(6, 1), one]),
        'stream-same-group': stream(good, groups=[group('g', []), group('g', [])]),
        'stream-pending-twice': stream(good, groups=[group('g', [one, one], ('c', [one]))]),
        'stream-unowned': stream(good, groups=[group('g', [one, (5, 2)], ('c', [one]))]),
        'stream-not-pending': stream(good, groups=[group('g', [one], ('c', [one, (5, 2)]))]),
        'stream-owned-twice': stream(good, groups=[group('g', [one], ('c', [one, one]))]),
        'stream-two-owners': stream(good, groups=[group('g', [one], ('c', [one]), ('d', [one]))]),
        'stream-same-consumer': stream(good, groups=[group('g', [one], ('c', [one]), ('c', []))]),
    }


def flawed():
    out = {}
    for name, (header, number, value) in {**flawed_collections(), **flawed_streams()}.items():
        out[name + '.rdb'] = header + entry(number, 'key', value) + b'\xff' + bytes(8)
    out['slot-import-name.rdb'] = rdb(b'VALKEY080', b'\xf3' + string('short') + length(0))
    for name, first, last in (('range', 5, 4), ('slot', 5, 16384)):
        ranges = length(1) + length(first) + length(last)
        out['slot-import-%s.rdb' % name] = rdb(b'VALKEY080', b'\xf3' + string('0123456789' * 4) + ranges)
    out['module-when.rdb'] = rdb(b'REDIS0009', b'\xf7' + module_id('aofkit-mo', 3) + b'\x01\x02' + MODULE)
    return out


def main():
    output = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), 'rdb')
    os.makedirs(output, exist_ok=True)
    for name, data in crafted().items():
        with open(os.path.join(output, name), 'wb') as file:
            file.write(data)
    shutil.rmtree(os.path.join(output, 'flawed'), ignore_errors=True)
    os.makedirs(os.path.join(output, 'flawed'))
    for name, data in flawed().items():
        with open(os.path.join(output, 'flawed', name), 'wb') as file:
            file.write(data)
    for name in SERVERS:
        by_server(name, output)
    preamble(output)


if __name__ == '__main__':
    main()
