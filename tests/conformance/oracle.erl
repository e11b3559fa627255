%% Plays scenarios on OTP's own supervisor and tells what happened.
%%
%% Frames on standard input and output have their length in four bytes in front. The first frame out names the release;
%% then each frame in is a scenario, the term {Tree, Plans, Steps} as text, and each frame out its trace, as JSON.
%%
%% Three things make a run repeatable. The machine has one scheduler, so a step is over when nobody else is runnable.
%% The supervisor is OTP's, compiled from its own debug information with one call redirected: it asks this module for
%% the time. And what happens "before the supervisor can act" happens while it is suspended.
-module(oracle).
-behaviour(supervisor).

-export([main/0, monotonic_time/1, log/2]).
-export([init/1, start_supervisor/1, start_worker/1, live/4]).

-define(REFUSAL, 10).      % milliseconds that a worker which refuses is given
-define(ENOUGH, 5000).     % milliseconds that all others never need

main() ->
    logger:set_primary_config(level, error),
    ok = logger:remove_handler(default),
    ok = logger:add_handler(gives_up, ?MODULE, #{}),
    ok = load_supervisor(),
    world = ets:new(world, [named_table, public]),
    true = register(recorder, spawn_link(fun() -> record([]) end)),
    Port = open_port({fd, 0, 1}, [binary, {packet, 4}, eof]),
    answer(Port, list_to_atom(erlang:system_info(otp_release))),
    serve(Port).

serve(Port) ->
    receive
        {Port, {data, Text}} ->
            {ok, Tokens, _} = erl_scan:string(binary_to_list(Text)),
            {ok, {Tree, Plans, Steps}} = erl_parse:parse_term(Tokens),
            {Player, Monitor} = spawn_monitor(fun() -> exit({trace, play(Tree, Plans, Steps)}) end),
            receive {'DOWN', Monitor, process, Player, {trace, Trace}} -> answer(Port, Trace) end,
            serve(Port);
        {Port, eof} ->
            halt()
    end.

answer(Port, Term) -> Port ! {self(), {command, json(Term)}}.

json(Atom) when is_atom(Atom) -> [$", atom_to_list(Atom), $"];
json(Integer) when is_integer(Integer) -> integer_to_list(Integer);
json(List) -> [$[, lists:join($,, [json(Item) || Item <- List]), $]].

%% ------------------------------------------------------------------------------------------------ the clock

load_supervisor() ->
    {ok, {supervisor, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(code:which(supervisor), [abstract_code]),
    {ok, supervisor, Binary} = compile:forms(redirect_clock(Forms), [return_errors]),
    {module, supervisor} = code:load_binary(supervisor, "supervisor.beam", Binary),
    ok.

redirect_clock({remote, A, {atom, B, erlang}, {atom, C, monotonic_time}}) ->
    {remote, A, {atom, B, ?MODULE}, {atom, C, monotonic_time}};
redirect_clock(Tuple) when is_tuple(Tuple) ->
    list_to_tuple(redirect_clock(tuple_to_list(Tuple)));
redirect_clock([Head | Tail]) ->
    [redirect_clock(Head) | redirect_clock(Tail)];
redirect_clock(Other) ->
    Other.

%% What supervisors ask for: whole seconds.
monotonic_time(_) -> floor(ets:lookup_element(world, now, 2)).

%% ------------------------------------------------------------------------------------------------ the recorder

record(Entries) ->
    receive
        {note, Entry} ->
            record([Entry | Entries]);
        {watch, Pid, Id} ->
            monitor(process, Pid, [{tag, {ended, Id}}]),
            Pid ! watched,
            record(Entries);
        {{ended, _}, _, process, _, {shutdown, {failed_to_start_child, _, _}}} ->
            record(Entries);                                    % whoever started it notes `undone`
        {{ended, Id}, _, process, _, Reason} ->
            record([[exit, Id, reason(Reason)] | Entries]);
        {count, From} ->
            From ! {count, length(Entries)},
            record(Entries);
        {take, From} ->
            From ! {entries, lists:reverse(Entries)},
            record([])
    end.

reason({shutdown, _}) -> detail;
reason(Reason) when Reason =:= normal; Reason =:= shutdown; Reason =:= killed -> Reason;
reason(_) -> crash.

note(Entry) -> recorder ! {note, Entry}.

be_watched(Id) ->
    recorder ! {watch, self(), Id},
    receive watched -> ok end,
    ets:insert(world, [{{pid, Id}, self()}, {{id, self()}, Id}]).

count() ->
    recorder ! {count, self()},
    receive {count, Count} -> Count end.

take() ->
    recorder ! {take, self()},
    receive {entries, Entries} -> Entries end.

%% The supervisor itself calls this, as a logger handler: the one report that says that it gives up.
log(#{msg := {report, #{label := {supervisor, shutdown}, report := Report}}}, _) ->
    {offender, Offender} = lists:keyfind(offender, 1, Report),
    Id = id_of(self()),
    note([gives_up, Id, offender(ets:lookup_element(world, {supervisor, Id}, 2), maps:from_list(Offender))]);
log(_, _) ->
    ok.

offender(static, #{id := Id}) -> Id;
offender(dynamic, #{pid := {restarting, Pid}}) -> id_of(Pid);
offender(dynamic, #{pid := Pid}) -> id_of(Pid).

id_of(Pid) -> ets:lookup_element(world, {id, Pid}, 2).

%% ------------------------------------------------------------------------------------------------ the children

start_supervisor(Node) ->
    case supervisor:start_link(?MODULE, Node) of
        {ok, Pid} -> {ok, Pid};
        {error, Reason} -> note([undone, element(2, Node)]), {error, Reason}
    end.

init({supervisor, Id, Strategy, Intensity, Period, Auto, _, _, Children}) ->
    be_watched(Id),
    ets:insert(world, {{supervisor, Id}, static}),
    note(['begin', Id]),
    Flags = #{strategy => Strategy, intensity => Intensity, period => Period, auto_shutdown => Auto},
    {ok, {Flags, [spec(Child) || Child <- Children]}};
init({dynamic, Id, Intensity, Period, _, _, Template}) ->
    be_watched(Id),
    ets:insert(world, {{supervisor, Id}, dynamic}),
    note(['begin', Id]),
    Spec = spec(Template),
    {ok, {#{strategy => simple_one_for_one, intensity => Intensity, period => Period},
          [Spec#{start := {?MODULE, start_worker, []}}]}}.

spec({worker, Id, Restart, Shutdown, Significant, OnStop} = Node) ->
    #{id => Id, start => {?MODULE, start_worker, [Node]}, restart => Restart, significant => Significant,
      shutdown => time_to_stop(Shutdown, OnStop)};
spec({supervisor, Id, _, _, _, _, Restart, Significant, _} = Node) ->
    #{id => Id, start => {?MODULE, start_supervisor, [Node]}, restart => Restart, significant => Significant,
      type => supervisor};
spec({dynamic, Id, _, _, Restart, Significant, _} = Node) ->
    #{id => Id, start => {?MODULE, start_supervisor, [Node]}, restart => Restart, significant => Significant,
      type => supervisor}.

time_to_stop(finite, refuse) -> ?REFUSAL;
time_to_stop(finite, _) -> ?ENOUGH;
time_to_stop(Other, _) -> Other.

start_worker({worker, Id, _, _, _, OnStop}) ->
    Outcome = next_outcome(Id),
    note([start, Id, Outcome]),
    case Outcome of
        fail -> {error, refused_to_start};
        ignore -> ignore;
        _ ->
            Pid = spawn_link(?MODULE, live, [self(), Id, OnStop, Outcome]),
            receive {Pid, up} -> {ok, Pid} end
    end.

next_outcome(Id) ->
    case ets:lookup(world, {plan, Id}) of
        [{Key, [Outcome | Later]}] -> ets:insert(world, {Key, Later}), Outcome;
        _ -> ok
    end.

live(Supervisor, Id, _, crash) ->
    ets:insert(world, [{{pid, Id}, self()}, {{id, self()}, Id}]),
    Supervisor ! {self(), up},
    exit(crash);
live(Supervisor, Id, OnStop, ok) ->
    process_flag(trap_exit, true),
    be_watched(Id),
    Supervisor ! {self(), up},
    wait(OnStop).

wait(OnStop) ->
    receive
        {finish, Reason} -> exit(Reason);
        {'EXIT', _, Reason} -> stop(OnStop, Reason)
    end.

stop(obey, Reason) -> exit(Reason);
stop(return, _) -> exit(normal);
stop(raise, _) -> exit(crash);
stop(refuse, _) -> wait(refuse).

%% ------------------------------------------------------------------------------------------------ the player

play(Tree, Plans, Steps) ->
    process_flag(trap_exit, true),
    ets:delete_all_objects(world),
    ets:insert(world, {now, 0.125}),
    lists:foreach(fun do/1, Plans),
    case start_supervisor(Tree) of
        {ok, Root} ->
            Begin = told([]),
            [Begin | play_on(Root, Steps)];
        {error, _} ->
            [told([])]
    end.

play_on(Root, Steps) ->
    case {is_process_alive(Root), Steps} of
        {false, _} ->
            [];
        {true, []} ->
            Monitor = monitor(process, Root),
            exit(Root, shutdown),
            receive {'DOWN', Monitor, process, Root, _} -> ok end,
            [told([])];
        {true, [Step | Later]} ->
            Told = told(do(Step)),
            [Told | play_on(Root, Later)]
    end.

%% What happened in a step, what was answered, and how the tree looks when all is quiet.
told(Results) ->
    Snapshot = settle(),
    [take(), Results, Snapshot].

settle() ->
    idle(),
    Count = count(),
    Snapshot = snapshot(),                % each supervisor answers, so none is in the middle of something
    idle(),
    case count() of
        Count -> Snapshot;
        _ -> settle()
    end.

idle() ->
    erlang:yield(),
    case erlang:statistics(run_queue) of
        0 -> ok;
        _ -> idle()
    end.

snapshot() ->
    Ids = lists:sort([Id || [Id] <- ets:match(world, {{supervisor, '$1'}, '_'})]),
    lists:append([[[Id, which(Id), count(Id)] || is_process_alive(pid_of(Id))] || Id <- Ids]).

which(Id) ->
    Which = ask(fun() -> supervisor:which_children(pid_of(Id)) end),
    case {Which, ets:lookup_element(world, {supervisor, Id}, 2)} of
        {noproc, _} -> noproc;
        {Children, static} -> [[Child, state(Pid)] || {Child, Pid, _, _} <- Children];
        {Children, dynamic} -> [[name(Pid), state(Pid)] || {_, Pid, _, _} <- Children]
    end.

count(Id) ->
    case ask(fun() -> supervisor:count_children(pid_of(Id)) end) of
        noproc -> noproc;
        Counts -> [proplists:get_value(Key, Counts) || Key <- [specs, active, supervisors, workers]]
    end.

state(Pid) when is_pid(Pid) -> up;
state(undefined) -> down;
state(restarting) -> restarting.

name(Pid) when is_pid(Pid) -> id_of(Pid);
name(_) -> unknown.

pid_of(Id) ->
    case ets:lookup(world, {pid, Id}) of
        [{_, Pid}] -> Pid;
        [] -> none
    end.

ask(Call) ->
    try Call() catch exit:_ -> noproc end.

%% ------------------------------------------------------------------------------------------------ the steps

do({plan, Id, Outcomes}) ->
    ets:insert(world, {{plan, Id}, Outcomes}),
    [];
do({finish, Id, Reason}) ->
    finish(Id, Reason),
    [];
do({wait, Seconds}) ->
    ets:update_element(world, now, {2, ets:lookup_element(world, now, 2) + Seconds}),
    [];
do({stray, Id}) ->
    Pid = pid_of(Id),
    spawn(fun() -> catch exit(Pid, shutdown) end),
    [];
do({tick, Id, Actions}) ->
    Pid = pid_of(Id),
    Suspended = is_pid(Pid) andalso (catch erlang:suspend_process(Pid)),
    Waiting = [act(Action) || Action <- Actions],
    Suspended =:= true andalso erlang:resume_process(Pid),
    [receive {answer, Ref, Answer} -> Answer end || Ref <- Waiting, is_reference(Ref)];
do(Request) ->
    [request(Request)].

act({finish, Id, Reason}) ->
    finish(Id, Reason),
    idle();
act(Request) ->
    Player = self(),
    Ref = make_ref(),
    spawn(fun() -> Player ! {answer, Ref, request(Request)} end),
    idle(),
    Ref.

finish(Id, Reason) ->
    Pid = pid_of(Id),
    is_pid(Pid) andalso begin
        Monitor = monitor(process, Pid),
        Pid ! {finish, Reason},
        receive {'DOWN', Monitor, process, Pid, _} -> ok end
    end.

request({Kind, Id, Child}) ->
    case pid_of(Id) of
        none -> noproc;
        Pid -> ask(fun() -> request(Kind, Pid, ets:lookup_element(world, {supervisor, Id}, 2), Child) end)
    end;
request({which_children, Id}) ->
    if_known(Id, fun which/1);
request({count_children, Id}) ->
    if_known(Id, fun count/1).

if_known(Id, Look) ->
    case pid_of(Id) of
        none -> noproc;
        _ -> Look(Id)
    end.

request(start_child, Pid, static, Node) -> started(supervisor:start_child(Pid, spec(Node)));
request(start_child, Pid, dynamic, Node) -> started(supervisor:start_child(Pid, [Node]));
request(terminate_child, Pid, static, Id) -> plain(supervisor:terminate_child(Pid, Id));
request(terminate_child, Pid, dynamic, Id) -> plain(supervisor:terminate_child(Pid, child_pid(Id)));
request(restart_child, Pid, _, Id) -> started(supervisor:restart_child(Pid, Id));
request(delete_child, Pid, _, Id) -> plain(supervisor:delete_child(Pid, Id));
request(get_childspec, Pid, static, Id) -> described(supervisor:get_childspec(Pid, Id));
request(get_childspec, Pid, dynamic, Id) -> described(supervisor:get_childspec(Pid, child_pid(Id))).

%% A pid that is nobody's child stands for one that is not known.
child_pid(Id) ->
    case pid_of(Id) of
        none -> whereis(recorder);
        Pid -> Pid
    end.

started({ok, undefined}) -> ignored;
started({ok, _}) -> ok;
started({error, {already_started, _}}) -> already_started;
started({error, {bad_combination, _}}) -> bad_spec;
started({error, Answer}) when is_atom(Answer), Answer =/= refused_to_start -> Answer;
started({error, _}) -> failed.

plain(ok) -> ok;
plain({error, Answer}) -> Answer.

described({ok, #{restart := Restart, shutdown := Shutdown, significant := Significant, type := Type}}) ->
    [Restart, time(Shutdown), Significant, Type];
described({error, Answer}) ->
    Answer.

time(Milliseconds) when is_integer(Milliseconds) -> finite;
time(Other) -> Other.
