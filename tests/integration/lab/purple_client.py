# SPDX-License-Identifier: MIT
"""Pidgin's libpurple with its plugin `simple`, without a window, as a SIP client: purple_client.py FOLDER USER@DOMAIN SERVER

The library is called through ctypes. Commands come as lines of JSON, and what happens is told in the same way, as the client shows it to its
user: ["message", from, text], ["status", who, available or offline, its note]. What the library prints goes to standard error.
"""
import ctypes
import glob
import json
import os
import sys

READ, WRITE = 1, 2                                      # PurpleInputCondition
STATUSES = {'available': 2, 'offline': 1}               # PurpleStatusPrimitive, those that the plugin has
POINTER, TEXT = ctypes.c_void_p, ctypes.c_char_p
POINTERS = ('account_new', 'account_get_connection', 'blist_new', 'buddy_new', 'buddy_get_presence', 'presence_get_active_status',
            'conversations_get_handle', 'blist_get_handle', 'connections_get_handle', 'savedstatus_new')
TEXTS = 'buddy_get_name', 'status_get_id', 'status_get_attr_string', 'markup_escape_text'


def say(*what):
    os.write(OUT, (json.dumps(what) + '\n').encode())


class Loop:
    """GLib's main loop for libpurple, and for our standard input."""
    ON_FD = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, POINTER)
    TO_PURPLE = ctypes.CFUNCTYPE(None, POINTER, ctypes.c_int, ctypes.c_int)
    INPUT_ADD = ctypes.CFUNCTYPE(ctypes.c_uint, ctypes.c_int, ctypes.c_int, POINTER, POINTER)
    CONDITIONS = ((READ, 1 | 8 | 16), (WRITE, 4 | 8 | 16))      # G_IO_IN, ERR, HUP; OUT

    def __init__(self, glib):
        self.glib, self.keep = glib, []
        self._input_add = self.INPUT_ADD(self.input_add)

    def ops(self):
        """PurpleEventLoopUiOps."""
        own = [ctypes.cast(f, POINTER) for f in (self.glib.g_timeout_add, self.glib.g_source_remove, self._input_add, self.glib.g_source_remove)]
        return (POINTER * 9)(*own, None, ctypes.cast(self.glib.g_timeout_add_seconds, POINTER), None, None, None)

    def input_add(self, fd, condition, function, data):
        call = self.TO_PURPLE(function)

        def ready(at, happened, _):
            call(data, at, sum(ours for ours, theirs in self.CONDITIONS if happened & theirs and condition & ours))
            return 1
        return self.watch(fd, sum(theirs & ~24 for ours, theirs in self.CONDITIONS if condition & ours) | 24, ready)

    def watch(self, fd, condition, ready):
        self.keep.append(self.ON_FD(ready))     # the library has only its address
        return self.glib.g_unix_fd_add(fd, condition, self.keep[-1], None)

    def run(self):
        while True:
            self.glib.g_main_context_iteration(None, 1)


class Client:
    def __init__(self, folder, address, server):
        self.keep, self.handle, self.rest = [], ctypes.c_int(), b''
        glib = ctypes.CDLL('libglib-2.0.so.0')
        self.lib = lib = ctypes.CDLL('libpurple.so.0', ctypes.RTLD_GLOBAL)     # its plugins look for its symbols
        for names, kind in ((POINTERS, POINTER), (TEXTS, TEXT)):
            for name in names:
                getattr(lib, f'purple_{name}').restype = kind
        self.loop = Loop(glib)
        lib.purple_util_set_user_dir(folder.encode())
        lib.purple_debug_set_enabled(1)
        self.ops = self.loop.ops()
        lib.purple_eventloop_set_ui_ops(self.ops)
        lib.purple_plugins_add_search_path(os.path.dirname(glob.glob('/usr/lib/*/purple-2/libsimple.so')[0]).encode())
        if not lib.purple_core_init(b'xfedd-lab'):
            raise SystemExit('libpurple does not start')
        lib.purple_prefs_set_bool(b'/purple/network/auto_ip', 0)        # which looks for an interface beside loopback
        lib.purple_network_set_public_ip(b'127.0.0.1')
        lib.purple_set_blist(POINTER(lib.purple_blist_new()))
        self._hear()
        self._log_in(address, server)
        self.loop.watch(0, 1 | 16, self._command)

    def _log_in(self, address, server):
        lib = self.lib
        self.account = POINTER(lib.purple_account_new(address.encode(), b'prpl-simple'))
        for name, value in (('udp', 1), ('useproxy', 1), ('dopublish', 1)):
            lib.purple_account_set_bool(self.account, name.encode(), value)
        lib.purple_account_set_int(self.account, b'port', 5060)
        lib.purple_account_set_string(self.account, b'proxy', server.encode())
        lib.purple_account_set_password(self.account, b'x')
        lib.purple_accounts_add(self.account)
        lib.purple_account_set_enabled(self.account, b'xfedd-lab', 1)

    # ---- what happens

    def _hear(self):
        lib = self.lib
        self._connect(lib.purple_connections_get_handle(), 'signed-on', (POINTER,), lambda _: say('online'))
        self._connect(lib.purple_conversations_get_handle(), 'received-im-msg', (POINTER, TEXT, TEXT, POINTER, ctypes.c_int),
                      lambda _account, sender, text, _conversation, _flags: say('message', sender.decode(), text.decode()))
        for signal in ('buddy-signed-on', 'buddy-signed-off'):
            self._connect(lib.purple_blist_get_handle(), signal, (POINTER,), self._changed)
        self._connect(lib.purple_blist_get_handle(), 'buddy-status-changed', (POINTER, POINTER, POINTER), lambda buddy, *_: self._changed(buddy))

    def _connect(self, handle, signal, types, call):
        self.keep.append(ctypes.CFUNCTYPE(None, *types)(call))
        self.lib.purple_signal_connect(POINTER(handle), signal.encode(), ctypes.byref(self.handle), self.keep[-1], None)

    def _changed(self, buddy):
        lib = self.lib
        status = POINTER(lib.purple_presence_get_active_status(POINTER(lib.purple_buddy_get_presence(POINTER(buddy)))))
        note = lib.purple_status_get_attr_string(status, b'message')
        say('status', lib.purple_buddy_get_name(POINTER(buddy)).decode(), lib.purple_status_get_id(status).decode(), note and note.decode())

    # ---- what we are told

    def _command(self, _fd, _condition, _data):
        data = os.read(0, 65536)
        if not data:
            self.lib.purple_core_quit()
            os._exit(0)
        *lines, self.rest = (self.rest + data).split(b'\n')
        for line in lines:
            name, *words = json.loads(line)
            getattr(self, f'_{name}')(*(word.encode() for word in words))
        return 1

    def _write(self, jid, text):
        markup = self.lib.purple_markup_escape_text(text, len(text)).replace(b'\n', b'<br>')
        self.lib.serv_send_im(POINTER(self.lib.purple_account_get_connection(self.account)), jid, markup, 1)

    def _add(self, jid):
        buddy = POINTER(self.lib.purple_buddy_new(self.account, jid, None))
        self.lib.purple_blist_add_buddy(buddy, None, None, None)
        self.lib.purple_account_add_buddy(self.account, buddy)

    def _status(self, name):
        self.lib.purple_savedstatus_activate(POINTER(self.lib.purple_savedstatus_new(None, STATUSES[name.decode()])))


if __name__ == '__main__':
    OUT = os.dup(1)
    os.dup2(2, 1)       # what the library prints goes to the log
    Client(*sys.argv[1:]).loop.run()
