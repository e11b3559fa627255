%% A crash that so many supervisors of OTP give up over at once, until the child runs again: `erl -noshell -run escalation
%% main DEPTH RESTARTS` prints one JSON line.
-module(escalation).
-behaviour(supervisor).
-export([main/1, init/1, child_start/1, child_init/2]).

-define(WARM_UP, 100).
%% A fresh supervisor after so many: its history is a list of all restarts of the period, which each restart walks.
-define(PER_SUPERVISOR, 100).

main([Depth, Restarts]) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    Samples = run(list_to_integer(Depth), list_to_integer(Restarts) + ?WARM_UP, []),
    Counted = lists:nthtail(?WARM_UP, lists:reverse(Samples)),
    io:format("{\"ns\": [~s]}~n", [lists:join(",", [integer_to_list(Ns) || Ns <- Counted])]),
    halt(0).

run(_, Left, Samples) when Left =< 0 -> Samples;
run(Depth, Left, Samples) ->
    {ok, Root} = supervisor:start_link(?MODULE, {1000000000, Depth, self()}),
    Now = min(Left, ?PER_SUPERVISOR),
    First = receive {up, Pid, _} -> Pid end,
    Taken = crash(First, Now, Samples),
    unlink(Root),
    exit(Root, shutdown),
    run(Depth, Left - Now, Taken).

crash(_, 0, Samples) -> Samples;
crash(Child, Left, Samples) ->
    Child ! crash,
    Crashed = receive {crashed, At} -> At end,
    receive {up, Next, Back} -> crash(Next, Left - 1, [Back - Crashed | Samples]) end.

init({Intensity, Depth, Collector}) ->
    {ok, {#{intensity => Intensity, period => 1}, [below(Depth, Collector)]}}.

below(0, Collector) ->
    #{id => child, start => {?MODULE, child_start, [Collector]}};
below(Depth, Collector) ->
    Start = {supervisor, start_link, [?MODULE, {0, Depth - 1, Collector}]},
    #{id => below, start => Start, type => supervisor}.

child_start(Collector) -> proc_lib:start_link(?MODULE, child_init, [self(), Collector]).

child_init(Parent, Collector) ->
    Now = erlang:monotonic_time(nanosecond),
    proc_lib:init_ack(Parent, {ok, self()}),
    Collector ! {up, self(), Now},
    receive crash -> ok end,
    Collector ! {crashed, erlang:monotonic_time(nanosecond)},
    error(badarg).
