"""Mutations of what a policy says of a failure, and of its delays: classify.py, backoff.py."""

from functools import partial

from tests.mutations.mutation import Mutation

classify = partial(Mutation, "classify.py")
backoff = partial(Mutation, "backoff.py")
dry_run = partial(Mutation, "dry_run.py")

MUTATIONS = [
    classify(
        "the gravest verdict is the mildest",
        "gravest = max(verdicts, key=_gravity)",
        "gravest = min(verdicts, key=_gravity)",
    ),
    classify(
        "of two verdicts as grave the one that costs nothing counts",
        "_GRAVITY[type(verdict.action)], not verdict.expected",
        "_GRAVITY[type(verdict.action)], verdict.expected",
    ),
    classify(
        "a delay is graver than a limit",
        "RestartAfter: 1, Limited: 2",
        "RestartAfter: 2, Limited: 1",
    ),
    classify(
        "a limit is graver than a child that is given up",
        "Limited: 2, GiveUp: 3",
        "Limited: 3, GiveUp: 2",
    ),
    classify(
        "a child that is given up is graver than a fatal failure",
        "GiveUp: 3, Fatal: 4",
        "GiveUp: 4, Fatal: 3",
    ),
    classify(
        "at once is as grave as delayed",
        "RestartNow: 0, RestartAfter: 1",
        "RestartNow: 1, RestartAfter: 1",
    ),
    classify(
        "a group is a failure of its own",
        "yield from islice(leaves(exit.error), LEAF_LIMIT)",
        "yield exit.error",
    ),
    classify(
        "of a group only the first exception is judged",
        "islice(leaves(exit.error), LEAF_LIMIT)",
        "islice(leaves(exit.error), 1)",
    ),
    classify(
        "the last rule that matches counts",
        "for rule in policy.rules if",
        "for rule in reversed(policy.rules) if",
    ),
    classify(
        "otherwise is ignored",
        "if _matches(rule, failure, failed)), policy.otherwise)",
        'if _matches(rule, failure, failed)), Rule(name="unclassified", failures=(), action=RestartNow()))',
    ),
    classify(
        "no verdict is expected",
        "Verdict(rule.name, rule.action, rule.expected)",
        "Verdict(rule.name, rule.action, False)",
    ),
    classify(
        "a rule matches only the very type that it names",
        "return any(type.__subclasscheck__(one, kind) for one in kinds)",
        "return kind in kinds",
    ),
    classify(
        "attributes are ignored",
        "if not all(_has(rule, failure, name, values, failed) for name, values in rule.attributes):",
        "if False:",
    ),
    classify(
        "one attribute of several is enough",
        "if not all(_has(rule, failure, name, values, failed) for name, values in rule.attributes):",
        "if rule.attributes and not any(_has(rule, failure, name, values, failed) for name, values in rule.attributes):",
    ),
    classify(
        "an attribute that is not there is an error",
        "getattr(failure, name, _MISSING)",
        "getattr(failure, name)",
    ),
    classify(
        "an attribute that is not there is None",
        "getattr(failure, name, _MISSING)",
        "getattr(failure, name, None)",
    ),
    classify(
        "a predicate is ignored",
        "return rule.where is None or _says_yes(rule, failure, failed)",
        "return True",
    ),
    classify(
        "a predicate that cannot tell is told to nobody",
        "        failed.append(said)\n",
        "        pass\n",
    ),
    classify(
        "a predicate that cannot tell has matched",
        "        return False\n    return said is True",
        "        return True\n    return said is True",
    ),
    backoff(
        "the jitter is ignored",
        "spread = 1.0 + backoff.jitter * (2.0 * dice - 1.0)",
        "spread = 1.0",
    ),
    backoff(
        "the jitter is out of bounds",
        "spread = 1.0 + backoff.jitter * (2.0 * dice - 1.0)",
        "spread = 1.0 + 2.0 * backoff.jitter * (2.0 * dice - 1.0)",
    ),
    backoff(
        "the jitter only makes delays longer",
        "spread = 1.0 + backoff.jitter * (2.0 * dice - 1.0)",
        "spread = 1.0 + backoff.jitter * dice",
    ),
    backoff(
        "the jitter only makes delays shorter",
        "spread = 1.0 + backoff.jitter * (2.0 * dice - 1.0)",
        "spread = 1.0 + backoff.jitter * min(0.0, 2.0 * dice - 1.0)",
    ),
    backoff(
        "the jitter takes a delay over the cap",
        "return min(backoff.cap, _grown(backoff, failure) * spread)",
        "return _grown(backoff, failure) * spread",
    ),
    backoff(
        "the cap is ignored",
        "return min(backoff.cap, backoff.initial * backoff.factor ** (failure - 1))",
        "return backoff.initial * backoff.factor ** (failure - 1)",
    ),
    backoff(
        "the factor counts once too often",
        "backoff.factor ** (failure - 1)",
        "backoff.factor**failure",
    ),
    backoff(
        "the delay stays the first",
        "backoff.factor ** (failure - 1)",
        "1.0",
    ),
    backoff(
        "a long streak overflows",
        "except OverflowError:",
        "except ZeroDivisionError:",
    ),
    dry_run(
        "the earliest end is said of delays without jitter",
        "ready=False, dice=0.0)",
        "ready=False, dice=0.5)",
    ),
    dry_run(
        "a delay after a request is said at its shortest",
        "ready=True, dice=0.5)",
        "ready=True, dice=0.0)",
    ),
    dry_run(
        "a hundred equal delays are taken for the end of all windows",
        "self._times > _SAME and now - self._since >= self._window",
        "self._times > _SAME",
    ),
]
