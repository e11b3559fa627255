%% The same child as a gen_server.
-module(bench_server).
-behaviour(gen_server).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

init(idle) -> {ok, idle};
init({_, Collector, _} = Crash) ->
    Latency = bench_child:enter(Crash),
    Collector ! {entered, Latency, self()},
    {ok, Crash}.

handle_info(crash, Crash) -> bench_child:crash(Crash).

handle_call(_, _, State) -> {reply, ok, State}.

handle_cast(_, State) -> {noreply, State}.
