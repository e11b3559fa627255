%% The smallest child that acknowledges its start: a process of proc_lib, which crashes when it is told to, or idles.
-module(bench_child).
-export([start_link/1, init/2]).
-export([enter/1, crash/1]).

start_link(What) -> proc_lib:start_link(?MODULE, init, [self(), What]).

init(Parent, idle) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    receive stop -> ok end;
init(Parent, {_, Collector, _} = Crash) ->
    Latency = enter(Crash),
    proc_lib:init_ack(Parent, {ok, self()}),
    Collector ! {entered, Latency, self()},
    receive crash -> crash(Crash) end.

%% The first line of an incarnation: nanoseconds since the last line of the one before.
enter({CrashedAt, _, _}) ->
    Now = bench:ns(),
    case atomics:get(CrashedAt, 1) of
        0 -> first;
        At -> Now - At
    end.

%% The last lines of an incarnation.
crash({CrashedAt, _, Idle}) ->
    Idle > 0 andalso timer:sleep(Idle),
    atomics:put(CrashedAt, 1, bench:ns()),
    erlang:error(badarg).
