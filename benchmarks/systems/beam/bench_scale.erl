%% Starting, keeping and stopping many idle children.
-module(bench_scale).
-export([per_child/2]).

%% Microseconds to start one and to stop one, and kilobytes that one keeps.
per_child(Tree, Count) ->
    erlang:garbage_collect(),
    Before = resident_kb(),
    {Flags, Specs} = declare(Tree, Count),
    Began = bench:ns(),
    {ok, Supervisor} = bench_supervisor:start_link(Flags, Specs),
    Tree =:= simple_one_for_one andalso [{ok, _} = supervisor:start_child(Supervisor, []) || _ <- lists:seq(1, Count)],
    Started = bench:ns(),
    Used = resident_kb() - Before,
    Stopping = bench:ns(),
    bench_supervisor:stop(Supervisor),
    Over = bench:ns(),
    {(Started - Began) / 1000 / Count, (Over - Stopping) / 1000 / Count, Used / Count}.

declare(simple_one_for_one, _) ->
    {#{strategy => simple_one_for_one}, [#{id => child, start => {bench_child, start_link, [idle]}}]};
declare(Child, Count) ->
    {#{strategy => one_for_one}, [#{id => N, start => start(Child)} || N <- lists:seq(1, Count)]}.

start(proc_lib) -> {bench_child, start_link, [idle]};
start(gen_server) -> {gen_server, start_link, [bench_server, idle, []]}.

%% Linux, with pages of 4 KB.
resident_kb() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    [_, Pages | _] = string:lexemes(binary_to_list(Statm), " "),
    list_to_integer(Pages) * 4.
