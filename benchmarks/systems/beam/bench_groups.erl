%% From the crash of the first of a group to the first line of the last of the group's next incarnations.
-module(bench_groups).
-export([latencies/1, start_link/2, init/3]).

-define(PATIENCE, 60000). % ms

latencies(#{"strategy" := Strategy, "children" := Children} = Options) ->
    Take = fun(Count, Flags) -> latencies(Count, Flags#{strategy => list_to_atom(Strategy)}, Children) end,
    bench_supervisor:latencies(Take, Options).

latencies(Count, Flags, Children) ->
    Crash = {atomics:new(1, []), self(), 0},
    Others = [#{id => N, start => {bench_child, start_link, [idle]}} || N <- lists:seq(2, Children - 1)],
    {ok, Supervisor} = bench_supervisor:start_link(Flags, [member(first, Crash)] ++ Others ++ [member(last, Crash)]),
    {first, First} = complete(),
    Latencies = collect(Count, First),
    bench_supervisor:stop(Supervisor),
    Latencies.

member(Which, Crash) -> #{id => Which, start => {?MODULE, start_link, [Which, Crash]}}.

collect(0, _) -> [];
collect(Left, First) ->
    First ! crash,
    {Latency, Next} = complete(),
    [Latency | collect(Left - 1, Next)].

%% What the last one took, and the first one's pid.
complete() ->
    receive {last, Latency, _} -> receive {first, _, First} -> {Latency, First} end
    after ?PATIENCE -> exit(no_restart)
    end.

start_link(Which, Crash) -> proc_lib:start_link(?MODULE, init, [self(), Which, Crash]).

init(Parent, Which, {_, Collector, _} = Crash) ->
    Latency = bench_child:enter(Crash),
    proc_lib:init_ack(Parent, {ok, self()}),
    Collector ! {Which, Latency, self()},
    receive crash -> bench_child:crash(Crash) end.
