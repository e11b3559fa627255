# The command line of benchmarks.systems for Elixir's DynamicSupervisor, with the same options and the same answer:
#
#   elixir bench.exs restart dynamic_supervisor --siblings 10

defmodule Crashing do
  use GenServer, restart: :permanent

  def start_link(argument), do: GenServer.start_link(__MODULE__, argument)

  def init({crashed_at, collector, idle}) do
    now = System.monotonic_time(:nanosecond)

    case :atomics.get(crashed_at, 1) do
      0 -> send(collector, {:entered, :first, self()})
      at -> send(collector, {:entered, now - at, self()})
    end

    {:ok, {crashed_at, idle}}
  end

  def handle_info(:crash, {crashed_at, idle}) do
    if idle > 0, do: Process.sleep(idle)
    :atomics.put(crashed_at, 1, System.monotonic_time(:nanosecond))
    raise ArgumentError, "crash"
  end
end

defmodule Idle do
  use GenServer

  def start_link(_), do: GenServer.start_link(__MODULE__, nil)
  def init(_), do: {:ok, nil}
end

# A supervisor's list of restarts is walked by each of them, so a fresh one takes over after each hundred, unless a
# period is given: then one of them has them all.
defmodule Restarts do
  @per_supervisor 100
  @shortest 1
  @unlimited 1_000_000_000
  @patience 60_000

  def latencies(options) do
    all = options.restarts + options.warm_up

    {block, period} =
      case options do
        %{period: period} -> {all, max(@shortest, round(period))}
        _ -> {min(all, @per_supervisor), @shortest}
      end

    1..ceil(all / block)
    |> Enum.flat_map(fn _ -> block(block, period, options) end)
    |> Enum.slice(options.warm_up, options.restarts)
  end

  defp block(count, period, options) do
    {:ok, supervisor} =
      DynamicSupervisor.start_link(strategy: :one_for_one, max_restarts: @unlimited, max_seconds: period)

    for _ <- 1..options.siblings//1, do: {:ok, _} = DynamicSupervisor.start_child(supervisor, Idle)
    crash = {:atomics.new(1, []), self(), round(options.idle * 1000)}
    {:ok, child} = DynamicSupervisor.start_child(supervisor, {Crashing, crash})
    receive do: ({:entered, :first, ^child} -> send(child, :crash))
    latencies = for left <- count..1, do: latency(left)
    Process.unlink(supervisor)
    Process.exit(supervisor, :kill)
    latencies
  end

  # The last one is left alive, so that none is restarted while its supervisor ends.
  defp latency(left) do
    receive do
      {:entered, latency, child} ->
        if left > 1, do: send(child, :crash)
        latency
    after
      @patience -> exit(:no_restart)
    end
  end
end

defmodule Scale do
  def per_child(count) do
    :erlang.garbage_collect()
    before = resident_kb()
    began = now()
    {:ok, supervisor} = DynamicSupervisor.start_link(strategy: :one_for_one)
    for _ <- 1..count, do: {:ok, _} = DynamicSupervisor.start_child(supervisor, Idle)
    started = now()
    used = resident_kb() - before
    stopping = now()
    :ok = Supervisor.stop(supervisor, :shutdown, :infinity)
    over = now()
    {(started - began) / 1000 / count, (over - stopping) / 1000 / count, used / count}
  end

  defp now, do: System.monotonic_time(:nanosecond)

  # Linux, with pages of 4 KB.
  defp resident_kb do
    [_, pages | _] = File.read!("/proc/self/statm") |> String.split(" ")
    String.to_integer(pages) * 4
  end
end

[measure, "dynamic_supervisor" | words] = System.argv()

# Options that it does not have are ignored.
{options, _, _} =
  OptionParser.parse(words,
    strict: [
      restarts: :integer,
      warm_up: :integer,
      siblings: :integer,
      idle: :float,
      period: :float,
      log: :string,
      children: :integer
    ]
  )

defaults = %{restarts: 2000, warm_up: 200, siblings: 0, idle: 0, log: "off", children: 10_000}
options = Map.merge(defaults, Map.new(options))
if options.log == "off", do: :logger.set_primary_config(:level, :none)
Process.flag(:trap_exit, true)

case measure do
  "restart" ->
    IO.puts(~s({"ns": [#{options |> Restarts.latencies() |> Enum.join(",")}]}))

  "scale" ->
    {start, stop, kb} = Scale.per_child(options.children)
    IO.puts(~s({"start_us": #{start}, "stop_us": #{stop}, "kb": #{kb}}))
end
