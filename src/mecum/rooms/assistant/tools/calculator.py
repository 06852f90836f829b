"""A calculator: an expression parser over exact decimals (V. Pratt, "Top down operator precedence", POPL 1973).

expression  numbers (1,234.5  1e-3  50%), + - * / // % ^ **, parentheses, constants pi e tau,
            functions abs round floor ceil sqrt exp ln log log2 sin cos tan asin acos atan min max sum mean
                factorial
percent     `200 + 10%` is 220 and `200 * 10%` is 20, as on a pocket calculator
"""

from __future__ import annotations

import decimal
import math
import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from mecum.kit.errors import Unprocessable
from mecum.kit.tools import Tool, ToolCall, ToolResult

EXPRESSION_CHARS_MAX = 1_000
DEPTH_MAX = 60
DIGITS = 34
EXPONENT_MAX = 10_000
FACTORIAL_MAX = 2_000

_CONTEXT = decimal.Context(
    prec=DIGITS, Emax=999_999, Emin=-999_999, traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow]
)
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
    r"|(?P<name>[a-zA-Z][a-zA-Z0-9]*)|(?P<operator>\*\*|//|[-+*/%^(),×÷−·]))"
)
_SAME = {"×": "*", "·": "*", "÷": "/", "−": "-", "**": "^"}
_BINARY = {"+": 10, "-": 10, "*": 20, "/": 20, "//": 20, "%": 20, "^": 40}
_PREFIX_POWER = 30
_CONSTANTS = {"pi": Decimal("3.141592653589793238462643383279503"), "e": Decimal(1).exp(_CONTEXT)}
_CONSTANTS["tau"] = 2 * _CONSTANTS["pi"]


def calculate(expression: str) -> Decimal:
    """The value of `expression`, exact to 34 digits where decimals allow; trigonometry to 15.

    Raises:
        Unprocessable: it can't be read or has no value; `detail` says where and why.
    """
    if len(expression) > EXPRESSION_CHARS_MAX:
        raise _wrong(f"The expression is longer than {EXPRESSION_CHARS_MAX} characters.")
    try:
        with decimal.localcontext(_CONTEXT):
            return _Parser(_tokens(expression)).whole()
    except decimal.DivisionByZero:
        raise _wrong("Division by zero.") from None
    except (decimal.InvalidOperation, decimal.Overflow, OverflowError, ValueError):
        raise _wrong("The result is not a number, or too large.") from None


def written(value: Decimal) -> str:
    """`value` as a person writes it: no exponent for ordinary sizes, no zeros at the end."""
    with decimal.localcontext(_CONTEXT):
        value = value.normalize()
        if value and not -12 <= value.adjusted() <= 30:
            return f"{value:E}"
        return f"{value:f}"


def _wrong(detail: str) -> Unprocessable:
    return Unprocessable("assistant.calculation", detail, "Check the expression.")


def _tokens(expression: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    at = 0
    text = expression.rstrip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup is None:
            raise _wrong(f"I can't read {text[at : at + 12].strip()!r} at position {at + 1}.")
        word = found[found.lastgroup]
        tokens.append((found.lastgroup, _SAME.get(word, word)))
        at = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: Sequence[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    def whole(self) -> Decimal:
        value = self._expression(0)
        if self._at < len(self._tokens):
            raise _wrong(f"I did not expect {self._tokens[self._at][1]!r}.")
        return value

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) else ""

    def _next(self) -> tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _wrong("The expression ends too early.")
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, word: str) -> None:
        if self._next()[1] != word:
            raise _wrong(f"A {word!r} is missing.")

    def _expression(self, power: int) -> Decimal:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise _wrong("The expression is nested too deeply.")
        left = self._prefix()
        while True:
            if self._is_percent():
                self._at += 1
                left /= 100
                continue
            operator = self._peek()
            strength = _BINARY.get(operator, -1)
            if strength < power or strength < 0:
                break
            self._at += 1
            left = self._binary(operator, left, strength)
        self._depth -= 1
        return left

    def _is_percent(self) -> bool:
        """`%` is percent unless a value follows, then it is the remainder."""
        if self._peek() != "%":
            return False
        following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else ("operator", ")")
        return following[0] == "operator" and following[1] != "("

    def _prefix(self) -> Decimal:
        kind, word = self._next()
        if kind == "number":
            return +Decimal(word.replace(",", ""))
        if word == "(":
            value = self._expression(0)
            self._expect(")")
            return value
        if word in ("-", "+"):
            value = self._expression(_PREFIX_POWER)
            return -value if word == "-" else value
        if kind == "name":
            return self._named(word.lower())
        raise _wrong(f"I did not expect {word!r}.")

    def _binary(self, operator: str, left: Decimal, strength: int) -> Decimal:
        start = self._at
        right = self._expression(strength if operator == "^" else strength + 1)
        if operator in "+-" and self._was_percent(start):
            right = left * right
        match operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                return left / right
            case "//":
                return (left / right).to_integral_value(decimal.ROUND_FLOOR)
            case "%":
                return left - right * (left / right).to_integral_value(decimal.ROUND_FLOOR)
            case _:
                return _power(left, right)

    def _was_percent(self, start: int) -> bool:
        """Whether the operand from `start` to here was one number with a percent sign."""
        return self._at == start + 2 and self._tokens[start][0] == "number" and self._tokens[start + 1][1] == "%"

    def _named(self, name: str) -> Decimal:
        if self._peek() != "(":
            if name in _CONSTANTS:
                return _CONSTANTS[name]
            raise _wrong(f"I do not know {name!r}.")
        function = _FUNCTIONS.get(name)
        if function is None:
            raise _wrong(f"I do not know the function {name!r}.")
        self._at += 1
        values: list[Decimal] = []
        while self._peek() != ")":
            values.append(self._expression(0))
            if self._peek() == ",":
                self._at += 1
            elif self._peek() != ")":
                raise _wrong("A ')' is missing.")
        self._at += 1
        fewest, most, apply = function
        if not fewest <= len(values) <= most:
            raise _wrong(f"{name} takes {fewest} value{'s' * (fewest != 1)}{'' if most == fewest else ' or more'}.")
        return apply(values)


def _power(base: Decimal, exponent: Decimal) -> Decimal:
    if abs(exponent) > EXPONENT_MAX:
        raise _wrong(f"Exponents go up to {EXPONENT_MAX:,}.")
    return base**exponent


def _floating(function: Callable[[float], float]) -> Callable[[list[Decimal]], Decimal]:
    return lambda values: Decimal(format(function(float(values[0])), ".15g"))


def _factorial(values: list[Decimal]) -> Decimal:
    number = values[0]
    if number != number.to_integral_value() or not 0 <= number <= FACTORIAL_MAX:
        raise _wrong(f"factorial takes a whole number from 0 to {FACTORIAL_MAX:,}.")
    return +Decimal(math.factorial(int(number)))


def _round(values: list[Decimal]) -> Decimal:
    places = int(values[1]) if len(values) > 1 else 0
    if not -20 <= places <= 20:
        raise _wrong("round takes at most 20 places.")
    return values[0].quantize(Decimal(1).scaleb(-places), decimal.ROUND_HALF_UP)


def _log(values: list[Decimal]) -> Decimal:
    return values[0].log10() if len(values) == 1 else values[0].ln() / values[1].ln()


_FUNCTIONS: dict[str, tuple[int, int, Callable[[list[Decimal]], Decimal]]] = {
    "abs": (1, 1, lambda v: abs(v[0])),
    "round": (1, 2, _round),
    "floor": (1, 1, lambda v: v[0].to_integral_value(decimal.ROUND_FLOOR)),
    "ceil": (1, 1, lambda v: v[0].to_integral_value(decimal.ROUND_CEILING)),
    "sqrt": (1, 1, lambda v: v[0].sqrt()),
    "exp": (1, 1, lambda v: v[0].exp()),
    "ln": (1, 1, lambda v: v[0].ln()),
    "log": (1, 2, _log),
    "log2": (1, 1, lambda v: v[0].ln() / Decimal(2).ln()),
    "sin": (1, 1, _floating(math.sin)),
    "cos": (1, 1, _floating(math.cos)),
    "tan": (1, 1, _floating(math.tan)),
    "asin": (1, 1, _floating(math.asin)),
    "acos": (1, 1, _floating(math.acos)),
    "atan": (1, 1, _floating(math.atan)),
    "min": (1, 100, min),
    "max": (1, 100, max),
    "sum": (1, 100, lambda v: sum(v, Decimal(0))),
    "mean": (1, 100, lambda v: sum(v, Decimal(0)) / len(v)),
    "factorial": (1, 1, _factorial),
}


async def _call(call: ToolCall) -> ToolResult:
    expression = str(call.arguments["expression"])
    return ToolResult(f"{expression} = {written(calculate(expression))}")


CALCULATOR = Tool(
    name="calculate",
    description=(
        "Computes a formula exactly. Use it for every sum, percentage, unit price or other arithmetic. "
        "Example: (1290 + 141) * 12 or 80 * 15%."
    ),
    parameters={
        "type": "object",
        "properties": {"expression": {"type": "string", "maxLength": EXPRESSION_CHARS_MAX}},
        "required": ["expression"],
        "additionalProperties": False,
    },
    call=_call,
    cues=(
        r"\d[\d\s.,]*\s*[-+*/×÷^%−]|[-+*/×÷^−]\s*\d"
        r"|\b(calculate|compute|sum|total|percent|plus|minus|times|divided|sqrt|average)\b"
        r"|计算|算一|等于|加|减|乘|除|百分|平均|总共"
    ),
)
