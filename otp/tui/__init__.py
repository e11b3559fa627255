"""`otp top`: a running tree on the whole screen.

    app        the screen, its keys, and what each key does
    requests   threads that ask and command, so that the screen never waits
    headline   the lines above: the tree's name and state, and what is wrong with it
    table      the tree, one line a child; columns and order say what a line shows, and where it stands
    details    the pane beside it; its five pages are made in pages
    confirm    the dialog that shows what a command touches, and the line after it
    events     the screen of all events
    keys       the screen of all keys
    colours    what a tone of otp/control/wire/looks.py is in colours
    label      text without what is not to be read

Everything that is shown comes from a `Mirror`, which a `Feed` keeps (otp/control/client); nothing here knows the tree
itself. It lives in a process of its own: the screen in textual's event loop, and threads beside it that ask over a socket.
"""
