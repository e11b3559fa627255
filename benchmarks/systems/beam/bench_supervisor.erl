%% OTP's supervisor, as all measures start and stop it, and how a long run is spread over several of them.
-module(bench_supervisor).
-behaviour(supervisor).
-export([start_link/2, stop/1, latencies/2, init/1]).

-define(PER_SUPERVISOR, 100).
-define(SHORTEST, 1). % second
-define(UNLIMITED, 1000000000).

start_link(Flags, Specs) -> supervisor:start_link(?MODULE, {Flags, Specs}).

%% As its own supervisor would end it; over when it is over.
stop(Supervisor) ->
    unlink(Supervisor),
    Monitor = monitor(process, Supervisor),
    exit(Supervisor, shutdown),
    receive {'DOWN', Monitor, process, Supervisor, _} -> ok end.

%% As many latencies as there are restarts, without those of the warm-up. `Take` takes so many of them from one
%% supervisor, which has these flags.
%%
%% A supervisor keeps a list of its restarts within the period, and each restart walks it. So that this does not count, a
%% fresh one takes over after each hundred, unless a period is given: then one of them has them all.
latencies(Take, #{"restarts" := Restarts, "warm-up" := WarmUp} = Options) ->
    All = Restarts + WarmUp,
    {Each, Period} = case Options of
                         #{"period" := P} -> {All, max(?SHORTEST, round(P))};
                         _ -> {min(All, ?PER_SUPERVISOR), ?SHORTEST}
                     end,
    Taken = [Take(Each, #{intensity => ?UNLIMITED, period => Period}) || _ <- lists:seq(1, ceil(All / Each))],
    lists:sublist(lists:append(Taken), WarmUp + 1, Restarts).

init({Flags, Specs}) -> {ok, {Flags, Specs}}.
