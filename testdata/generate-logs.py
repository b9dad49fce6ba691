#!/usr/bin/env python3
"""Writes testdata/logs and testdata/torn.aof with real servers (standard library only, Python 3.8 or later).

    AOFKIT_SERVERS=FOLDER testdata/generate-logs.py [DIRECTORY]

FOLDER is what scripts/provision-servers filled. DIRECTORY is this one unless named. Times, stream ids and keys are
fixed; what a server still chooses by itself (the order of large sets, creation times, run ids, the seconds of `#TS:`)
differs from run to run.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

FOREVER = 4102444800000  # 2100-01-01 in milliseconds
ALL_BYTES = bytes(range(256))
LOOKS_LIKE_RECORDS = b'a\r\n*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nDEL\r\n$4\r\nuser\r\n'
LIBRARY = '''#!lua name=shop
redis.register_function('rename_user', function(keys, arguments)
  redis.call('HSET', keys[1], 'name', arguments[1])
  return redis.call('INCR', 'renames')
end)'''


class Refused(Exception):
    """An error reply."""


class Client:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(path)
        self.replies = self.socket.makefile('rb')

    def __call__(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        request = b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(word), word) for word in words)
        self.socket.sendall(request)
        return self.reply()

    def reply(self):
        line = self.replies.readline()
        if not line.endswith(b'\r\n'):
            raise ConnectionError('the server went away')
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            raise Refused(rest.decode('latin1'))
        if kind == b'+':
            return rest
        if kind == b':':
            return int(rest)
        size = int(rest)
        if size < 0:
            return None
        if kind == b'$':
            return self.replies.read(size + 2)[:-2]
        return [self.reply() for _ in range(size)]

    def where_known(self, *words):
        """The same for a command that not every version has."""
        try:
            return self(*words)
        except Refused as refused:
            if 'unknown' not in str(refused).lower():
                raise
            return None

    def rewrite(self):
        self('BGREWRITEAOF')
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            state = self('INFO', 'persistence')
            if b'aof_rewrite_in_progress:0' in state and b'aof_rewrite_scheduled:0' in state:
                if b'aof_last_bgrewrite_status:ok' not in state:
                    raise RuntimeError('the rewrite failed')
                return
            time.sleep(0.02)
        raise RuntimeError('the rewrite takes too long')


class Server:
    """A server on a unix socket, in a directory of its own that it leaves behind."""

    def __init__(self, name, settings):
        flavour = name.split('-')[0]
        self.program = os.path.join(servers(), name, 'bin', flavour + '-server')
        self.directory = tempfile.mkdtemp(prefix='aof-')
        self.settings = {
            'port': 0, 'unixsocket': os.path.join(self.directory, 's'), 'dir': self.directory, 'save': '',
            'appendonly': 'yes', 'appendfsync': 'always', 'auto-aof-rewrite-percentage': 0, 'loglevel': 'warning',
            'repl-diskless-sync': 'no', **settings,
        }

    def __enter__(self):
        arguments = [self.program]
        for setting, value in self.settings.items():
            arguments += ['--' + setting, str(value)]
        self.process = subprocess.Popen(arguments, cwd=self.directory, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            try:
                client = Client(self.settings['unixsocket'])
                client('PING')
                return self.directory, client
            except (OSError, Refused):
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(self.program + ' does not start')
                time.sleep(0.02)

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def servers():
    folder = os.environ.get('AOFKIT_SERVERS')
    if not folder:
        sys.exit('generate-logs.py: set AOFKIT_SERVERS to the folder that scripts/provision-servers filled')
    return os.path.abspath(folder)


# ------------------------------------------------------------------------------------------------ what is written

def strings(do):
    do('SET', 'user:1:name', 'Ada')
    do('SET', 'clé', 'naïve café ☕')
    do('SET', 'number', 41)
    do('INCR', 'number')
    do('DECRBY', 'number', 50)
    do('INCRBYFLOAT', 'float', '10.5')
    do('APPEND', 'text', 'x' * 100)
    do('SETRANGE', 'text', 120, 'far')
    do('MSET', 'a', 1, 'b', 'two', 'c', '')
    do('GETSET', 'a', 'other')
    do('GETDEL', 'b')
    do('SETBIT', 'bits', 100, 1)
    do('BITFIELD', 'bits', 'SET', 'u8', 8, 200, 'INCRBY', 'i5', 40, 3)
    do('BITOP', 'NOT', 'inverted', 'bits')
    do('PFADD', 'visitors', *range(20))
    do('PFMERGE', 'all-visitors', 'visitors')
    do('SET', b'', b'an empty key')
    do('SET', ALL_BYTES, ALL_BYTES[::-1])
    do('SET', 'log', LOOKS_LIKE_RECORDS)
    do('SET', b'\xff\xfe not UTF-8', b'\0' * 10)
    do('SET', 'compressible', 'ab' * 300)


def expirations(do):
    do('SET', 'session', 'token', 'PXAT', FOREVER)
    do('SET', 'kept', 'v', 'PXAT', FOREVER + 1)
    do('SET', 'kept', 'w', 'KEEPTTL')
    do('EXPIREAT', 'text', FOREVER // 1000)
    do('SET', 'persisted', 'v', 'PXAT', FOREVER)
    do('PERSIST', 'persisted')
    do('GETEX', 'c', 'PXAT', FOREVER)
    do('SET', 'gone', 'soon', 'PX', 1)
    time.sleep(0.01)
    do('GET', 'gone')
    do('SET', 'past', 'v')
    do('PEXPIREAT', 'past', 1)


def lists(do):
    do('RPUSH', 'queue', *('job:%d' % job for job in range(20)))
    do('LPUSH', 'queue', 'urgent', -1, 12, 300, -40000, 2**31, 2**62)
    do('LINSERT', 'queue', 'BEFORE', 'job:3', 'between')
    do('LSET', 'queue', 0, 'first')
    do('LREM', 'queue', 1, 'job:7')
    do('LPOP', 'queue', 2)
    do('RPOPLPUSH', 'queue', 'done')
    do('LMOVE', 'queue', 'done', 'LEFT', 'RIGHT')
    do('LTRIM', 'queue', 0, 15)
    do('RPUSH', 'long-list', *range(140))
    do('RPUSH', 'one-large-element', 'y' * 300)


def sets(do):
    do('SADD', 'integers', 1, 2, 3, -5, 70000, 2**40)
    do('SADD', 'words', 'red', 'green', 'blue')
    do('SREM', 'words', 'green')
    do('SMOVE', 'words', 'other-words', 'blue')
    do('SADD', 'many', *('member:%d' % member for member in range(130)))
    do('SADD', 'single', 'only')
    do('SPOP', 'single')
    do('SADD', 'pair', 'x', 'y')
    do('SPOP', 'pair', 2)
    do('SUNIONSTORE', 'union', 'integers', 'words')


def hashes(do):
    do('HSET', 'user:1', 'name', 'Ada', 'born', 1815, 'empty', '')
    do('HINCRBY', 'user:1', 'visits', 3)
    do('HINCRBYFLOAT', 'user:1', 'score', '1.25')
    do('HDEL', 'user:1', 'born')
    do('HSET', 'wide', 'field', 'z' * 100)
    do('HMSET', 'user:2', 'name', 'Charles', ALL_BYTES[:40], 'binary field')
    for command in (('HPEXPIREAT', 'user:1', FOREVER, 'FIELDS', 1, 'visits'), ('HPERSIST', 'user:1', 'FIELDS', 1, 'name'),
                    ('HSETEX', 'user:3', 'PXAT', FOREVER, 'FIELDS', 2, 'a', 1, 'b', 2), ('HGETDEL', 'user:3', 'FIELDS', 1, 'b')):
        do.where_known(*command)


def sorted_sets(do):
    do('ZADD', 'board', 1, 'ada', '2.5', 'charles', '-inf', 'low', 'inf', 'high', '3e-5', 'tiny', '0.1', 'tenth')
    do('ZINCRBY', 'board', 10, 'ada')
    do('ZADD', 'board', 'GT', 'CH', 100, 'charles')
    do('ZREMRANGEBYRANK', 'board', 0, 0)
    do('ZPOPMAX', 'board')
    do('ZADD', 'long-members', 1, 'm' * 80, 2, 'n' * 70)
    do('ZUNIONSTORE', 'both', 2, 'board', 'long-members', 'WEIGHTS', 2, 1)
    do('GEOADD', 'places', '13.361389', '38.115556', 'Palermo', '15.087269', '37.502669', 'Catania')


def streams(do):
    for entry in range(1, 13):
        do('XADD', 'events', '1700000000000-%d' % entry, 'kind', 'click', 'number', entry)
    do('XADD', 'events', '1700000000001-0', 'other', 'fields')
    do('XDEL', 'events', '1700000000000-3')
    do('XTRIM', 'events', 'MAXLEN', 10)
    do('XGROUP', 'CREATE', 'events', 'readers', 0)
    do('XREADGROUP', 'GROUP', 'readers', 'alice', 'COUNT', 3, 'STREAMS', 'events', '>')
    do('XACK', 'events', 'readers', '1700000000000-4')
    do('XCLAIM', 'events', 'readers', 'bob', 0, '1700000000000-5')
    do('XGROUP', 'CREATECONSUMER', 'events', 'readers', 'carol')
    do('XGROUP', 'CREATE', 'empty-stream', 'readers', '$', 'MKSTREAM')
    do('XADD', 'emptied', '5-5', 'a', 'b')
    do('XDEL', 'emptied', '5-5')
    do('XSETID', 'events', '1700000000009-0')


def databases(do):
    do('SELECT', 3)
    do('SET', 'in-three', 'v')
    do('MOVE', 'in-three', 15)
    do('SET', 'swapped', 'v')
    do('SWAPDB', 3, 9)
    do('SELECT', 5)
    do('SET', 'lost', 'v')
    do('FLUSHDB')
    do('SELECT', 0)
    do('COPY', 'user:1', 'copy', 'DB', 15)
    do('RENAME', 'words', 'colours')
    do('SORT', 'integers', 'STORE', 'sorted')
    do('RESTORE', 'restored', FOREVER, do('DUMP', 'queue'), 'ABSTTL')
    do('UNLINK', 'inverted')


def transactions(do):
    do('MULTI')
    do('HSET', 'order:1', 'total', 100)
    do('DECRBY', 'stock', 1)
    do('SELECT', 2)
    do('SET', 'other-database', 'inside a transaction')
    do('SELECT', 0)
    do('EXEC')
    do('MULTI')
    do('INCR', 'alone')
    do('EXEC')


def scripts(do):
    do('EVAL', "redis.call('SET', KEYS[1], ARGV[1]); redis.call('RPUSH', KEYS[2], 1, 2); return 1", 2, 'by-script',
       'list-by-script', 'effect')
    if do.where_known('FUNCTION', 'LOAD', LIBRARY) is not None:
        do('FCALL', 'rename_user', 1, 'user:2', 'Babbage')


def first_writes(do):
    for group in (strings, expirations, lists, sets, hashes, sorted_sets, streams, databases, transactions, scripts):
        group(do)


def later_writes(do):
    """What comes behind a rewrite."""
    do('SET', 'after', 'the rewrite')
    do('INCR', 'number')
    do('MULTI')
    do('RPUSH', 'queue', 'late')
    do('ZADD', 'board', 7, 'late')
    do('EXEC')
    do('SELECT', 15)
    do('DEL', 'copy')


def shop(do):
    """A small day of a web shop."""
    for user, name in enumerate(('Ada', 'Grace', 'Edsger', 'Barbara'), 1):
        do('HSET', 'user:%d' % user, 'name', name, 'visits', 0)
        do('SET', 'session:%d' % user, 'b7f3c0%02d' % user, 'PXAT', FOREVER)
    do('MSET', 'stock:tea', 12, 'stock:coffee', 30, 'stock:cup', 4)
    for order, (user, item, price) in enumerate(((1, 'tea', 4), (3, 'cup', 9), (2, 'coffee', 7)), 1):
        do('HINCRBY', 'user:%d' % user, 'visits', 1)
        do('MULTI')
        do('HSET', 'order:%d' % order, 'user', user, 'item', item, 'price', price)
        do('DECR', 'stock:' + item)
        do('ZINCRBY', 'sales', price, item)
        do('XADD', 'journal', '%d-0' % (1700000000000 + order), 'order', order, 'item', item)
        do('EXEC')


# ------------------------------------------------------------------------------------------------------ the sets

RESP, RDB = {'aof-use-rdb-preamble': 'no'}, {'aof-use-rdb-preamble': 'yes'}
OLD_SETS = {'plain.aof': (RESP, False), 'resp-base.aof': (RESP, True), 'rdb-preamble.aof': (RDB, True)}
NEW_SETS = {
    'fresh': (RDB, False), 'resp-base': (RESP, True), 'rdb-base': (RDB, True),
    'timestamps': ({**RESP, 'aof-timestamp-enabled': 'yes'}, True),
}
NEW_SERVERS = ('redis-7.0', 'redis-8.0', 'redis-8.0.6', 'valkey-8.0', 'valkey-8.1', 'valkey-9.1')


def write_log(server, settings, rewritten, take):
    with Server(server, settings) as (directory, do):
        first_writes(do)
        if rewritten:
            do.rewrite()
            if 'aof-timestamp-enabled' in settings:
                time.sleep(1.1)  # an annotation is written where the second changes
            later_writes(do)
        take(directory)


def write_old(target):
    folder = os.path.join(target, 'logs', 'redis-6.2')
    os.makedirs(folder)
    for name, (settings, rewritten) in OLD_SETS.items():
        file = os.path.join(folder, name)
        write_log('redis-6.2', settings, rewritten, lambda directory: shutil.copy(os.path.join(directory, 'appendonly.aof'), file))


def write_new(target, server):
    for name, (settings, rewritten) in NEW_SETS.items():
        folder = os.path.join(target, 'logs', server, name)
        write_log(server, settings, rewritten, lambda directory: copy_directory(directory, folder))


def copy_directory(directory, folder):
    source = os.path.join(directory, 'appendonlydir')
    # What a rewrite replaced is deleted in the background.
    deadline = time.monotonic() + 10
    while len(os.listdir(source)) > 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.copytree(source, os.path.join(folder, 'appendonlydir'))


def write_vector_set(target):
    """Only Redis 8 has the type, and only its RDB holds it."""
    with Server('redis-8.0.6', RDB) as (directory, do):
        do('VADD', 'vectors', 'VALUES', 3, '0.5', '0.25', '-1', 'element', 'SETATTR', '{"year":1990}')
        do('VADD', 'vectors', 'VALUES', 3, 1, 2, 3, 'other')
        do.rewrite()
        do('VREM', 'vectors', 'other')
        copy_directory(directory, os.path.join(target, 'logs', 'redis-8.0.6', 'vector-set'))


def write_torn(target):
    """A log as a crash leaves it: it ends inside the last command of a transaction."""
    with Server('redis-7.0', {'aof-timestamp-enabled': 'yes'}) as (directory, do):
        shop(do)
        with open(os.path.join(directory, 'appendonlydir', 'appendonly.aof.1.incr.aof'), 'rb') as file:
            log = file.read()
    cut = log.rindex(b'journal') + 3
    with open(os.path.join(target, 'torn.aof'), 'wb') as file:
        file.write(log[:cut])


def main():
    target = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(__file__) or '.')
    servers()
    shutil.rmtree(os.path.join(target, 'logs'), ignore_errors=True)
    write_old(target)
    for server in NEW_SERVERS:
        write_new(target, server)
    write_vector_set(target)
    write_torn(target)


if __name__ == '__main__':
    main()
