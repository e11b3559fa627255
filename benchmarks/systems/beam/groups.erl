%% From the crash of the first of a group to the first line of the last of the group's next incarnations, under OTP's
%% supervisor: `erl -noshell -run groups main STRATEGY CHILDREN RESTARTS` prints one JSON line.
-module(groups).
-behaviour(supervisor).
-export([main/1, init/1, child_start/2, child_init/3]).

-define(WARM_UP, 5).
%% A fresh supervisor after so many: its history is a list of all restarts of the period, which each restart walks.
-define(PER_SUPERVISOR, 50).

main([Strategy, Children, Restarts]) ->
    logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    Samples = run(list_to_atom(Strategy), list_to_integer(Children), list_to_integer(Restarts) + ?WARM_UP, []),
    Counted = lists:nthtail(?WARM_UP, lists:reverse(Samples)),
    io:format("{\"ns\": [~s]}~n", [lists:join(",", [integer_to_list(Ns) || Ns <- Counted])]),
    halt(0).

run(_, _, Left, Samples) when Left =< 0 -> Samples;
run(Strategy, Children, Left, Samples) ->
    {ok, Supervisor} = supervisor:start_link(?MODULE, {Strategy, Children, self()}),
    Now = min(Left, ?PER_SUPERVISOR),
    First = receive {first, Pid} -> Pid end,
    receive {last, _} -> ok end,
    Taken = crash(First, Now, Samples),
    unlink(Supervisor),
    exit(Supervisor, shutdown),
    run(Strategy, Children, Left - Now, Taken).

crash(_, 0, Samples) -> Samples;
crash(First, Left, Samples) ->
    First ! crash,
    Crashed = receive {crashed, At} -> At end,
    Next = receive {first, Pid} -> Pid end,
    receive {last, Back} -> crash(Next, Left - 1, [Back - Crashed | Samples]) end.

init({Strategy, Children, Collector}) ->
    Flags = #{strategy => Strategy, intensity => 1000000000, period => 1},
    {ok, {Flags, [spec(Id, role(Id, Children), Collector) || Id <- lists:seq(1, Children)]}}.

role(1, _) -> first;
role(Id, Id) -> last;
role(_, _) -> other.

spec(Id, Role, Collector) -> #{id => Id, start => {?MODULE, child_start, [Role, Collector]}}.

child_start(Role, Collector) -> proc_lib:start_link(?MODULE, child_init, [self(), Role, Collector]).

child_init(Parent, Role, Collector) ->
    Now = erlang:monotonic_time(nanosecond),
    proc_lib:init_ack(Parent, {ok, self()}),
    case Role of
        first -> Collector ! {first, self()};
        last -> Collector ! {last, Now};
        other -> ok
    end,
    receive crash -> ok end,
    Collector ! {crashed, erlang:monotonic_time(nanosecond)},
    error(badarg).
