%% From erlang:error/1 in a child of OTP's supervisor to the first line of its next incarnation.
%%
%% With a depth, so many supervisors between the two give up at once: their intensity is 0.
%%
%% A supervisor walks the map of its children to find the one that has ended, so among many a restart hangs on the place
%% that the hash of the id has there: from 0.15 to 7 ms among 100 000, of nine ids tried. This one comes first of them.
-module(bench_restart).
-export([latencies/2]).

-define(ID, 200003).
-define(PATIENCE, 60000). % ms

latencies(Child, Options) ->
    bench_supervisor:latencies(fun(Count, Flags) -> latencies(Child, Count, Flags, Options) end, Options).

latencies(Child, Count, Flags, #{"siblings" := Siblings, "idle" := Idle, "depth" := Depth}) ->
    Crashing = #{id => ?ID, start => start(Child, {atomics:new(1, []), self(), round(Idle * 1000)}), modules => []},
    Others = [#{id => N, start => {bench_child, start_link, [idle]}} || N <- lists:seq(1, Siblings)],
    {ok, Supervisor} = bench_supervisor:start_link(Flags, Others ++ [below(Depth, Crashing)]),
    receive {entered, first, Pid} -> Pid ! crash end,
    Latencies = collect(Count),
    bench_supervisor:stop(Supervisor),
    Latencies.

below(0, Child) -> Child;
below(Depth, Child) ->
    Start = {bench_supervisor, start_link, [#{intensity => 0}, [below(Depth - 1, Child)]]},
    #{id => Depth, start => Start, type => supervisor}.

start(proc_lib, Crash) -> {bench_child, start_link, [Crash]};
start(gen_server, Crash) -> {gen_server, start_link, [bench_server, Crash, []]}.

%% The last one is left alive, so that none is restarted while its supervisor ends.
collect(Left) ->
    receive
        {entered, Latency, _} when Left =:= 1 -> [Latency];
        {entered, Latency, Pid} -> Pid ! crash, [Latency | collect(Left - 1)]
    after ?PATIENCE -> exit(no_restart)
    end.
