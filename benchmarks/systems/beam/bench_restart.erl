%% From erlang:error/1 in a child of OTP's supervisor to the first line of its next incarnation.
%%
%% The supervisor keeps a list of its restarts within the period, and each restart walks it. So that this does not
%% count, a fresh supervisor takes over after each hundred, unless a period is given: then one of them has them all.
-module(bench_restart).
-behaviour(supervisor).
-export([latencies/2, init/1]).

-define(PER_SUPERVISOR, 100).
-define(SHORTEST, 1). % second
-define(UNLIMITED, 1000000000).
-define(PATIENCE, 60000). % ms

latencies(Child, #{"restarts" := Restarts, "warm-up" := WarmUp} = Options) ->
    All = Restarts + WarmUp,
    {Block, Period} = case Options of
                          #{"period" := P} -> {All, max(?SHORTEST, round(P))};
                          _ -> {min(All, ?PER_SUPERVISOR), ?SHORTEST}
                      end,
    lists:sublist(lists:append(blocks(All, Block, Period, Child, Options)), WarmUp + 1, Restarts).

blocks(Left, _, _, _, _) when Left =< 0 -> [];
blocks(Left, Block, Period, Child, Options) ->
    [block(Block, Period, Child, Options) | blocks(Left - Block, Block, Period, Child, Options)].

block(Count, Period, Child, #{"siblings" := Siblings, "idle" := Idle}) ->
    %% OTP finds the child that has ended by walking a map, so among many the figure hangs on the hash of its id:
    %% this one comes early (0.3 ms among 100 000 on OTP 25), most others late (up to 0.66 ms).
    Crashing = #{id => c, start => start(Child, {atomics:new(1, []), self(), round(Idle * 1000)}), modules => []},
    Others = [#{id => {s, N}, start => {bench_child, start_link, [idle]}} || N <- lists:seq(1, Siblings)],
    {ok, Supervisor} = supervisor:start_link(?MODULE, {Period, Others ++ [Crashing]}),
    receive {entered, first, Pid} -> Pid ! crash end,
    Latencies = collect(Count),
    unlink(Supervisor),
    exit(Supervisor, kill),
    Latencies.

start(proc_lib, Crash) -> {bench_child, start_link, [Crash]};
start(gen_server, Crash) -> {gen_server, start_link, [bench_server, Crash, []]}.

collect(0) -> [];
collect(Left) ->
    receive
        {entered, Latency, Pid} -> Pid ! crash, [Latency | collect(Left - 1)]
    after ?PATIENCE -> exit(no_restart)
    end.

init({Period, Specs}) ->
    {ok, {#{strategy => one_for_one, intensity => ?UNLIMITED, period => Period}, Specs}}.
