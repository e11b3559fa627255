"""`otp top`: a running tree on the whole screen.

    app        the screen, its keys, and what becomes of them
    questions  threads that ask and command, so that the screen never waits
    headline   the lines above: who it is, how it is, and what is wrong with it
    table      the tree, one line a child; columns, order and states say what a line shows
    details    the pane beside it; pages says what is on its five pages
    confirm    the dialog that shows what a command touches; events and keys: the screens of those names

Everything that is shown comes from a `Mirror`, which a `Feed` keeps (otp/control/client); nothing here knows the tree
itself. It lives in a process of its own: the screen in textual's event loop, and threads beside it that ask over a socket.
"""
