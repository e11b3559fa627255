%% The command line of benchmarks.systems on Erlang's machine, with the same options and the same answer:
%%
%%   erl +P 2000000 -noshell -pa .peers/ebin -s bench main -extra restart gen_server --siblings 10
-module(bench).
-export([main/0, ns/0]).

-define(DEFAULTS, #{"restarts" => 2000, "warm-up" => 200, "siblings" => 0, "idle" => 0, "log" => "off",
                    "children" => 10000, "depth" => 1, "strategy" => "one_for_all"}).

main() ->
    [Measure, System | Words] = init:get_plain_arguments(),
    Options = options(Words, ?DEFAULTS),
    maps:get("log", Options) =:= "off" andalso logger:set_primary_config(level, none),
    process_flag(trap_exit, true),
    io:format("~ts~n", [measure(Measure, list_to_atom(System), Options)]),
    halt(0).

measure("restart", Child, Options) -> answer(bench_restart:latencies(Child, Options#{"depth" := 0}));
measure("escalation", Child, Options) -> answer(bench_restart:latencies(Child, Options));
measure("groups", proc_lib, Options) -> answer(bench_groups:latencies(Options));
measure("scale", Tree, Options) ->
    {Start, Stop, Kb} = bench_scale:per_child(Tree, maps:get("children", Options)),
    io_lib:format("{\"start_us\": ~p, \"stop_us\": ~p, \"kb\": ~p}", [Start, Stop, Kb]).

answer(Latencies) -> ["{\"ns\": [", lists:join(",", [integer_to_list(Ns) || Ns <- Latencies]), "]}"].

options(["--" ++ Name, Text | Words], Options) -> options(Words, Options#{Name => value(Text)});
options([], Options) -> Options.

value(Text) ->
    case {string:to_float(Text), string:to_integer(Text)} of
        {{Float, []}, _} -> Float;
        {_, {Integer, []}} -> Integer;
        _ -> Text
    end.

ns() -> erlang:monotonic_time(nanosecond).
