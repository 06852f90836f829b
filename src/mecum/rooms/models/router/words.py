"""The words by which a message says what it is, in English and Chinese; matched in `kit.text.normalise`d text.

Every repetition has a bound: anybody may send anything, and nobody else is served meanwhile.
"""

from __future__ import annotations

import re
from typing import Final


def _any(english: str, chinese: str) -> re.Pattern[str]:
    """Whole words of English, or Chinese anywhere."""
    return re.compile(rf"\b(?:{english})\b|{chinese}")


def _begins(english: str, chinese: str) -> re.Pattern[str]:
    """The same, as the first thing that is said, but for a please."""
    polite = r"(?:please[, ]+|(?:can|could|would) you (?:please )?|请(?:你)?|帮我|麻烦(?:你)?)*"
    return re.compile(rf"{polite}(?:(?:{english})\b|(?:{chinese}))")


WANTS_THINKING: Final = _any(
    r"think (?:hard(?:er)?|longer|carefully|deeply|it through|step by step)|take your time|reason step by step",
    r"(?:仔细|认真|好好|深入|慢慢|多)(?:地)?(?:想|思考|考虑)(?:一下|想)?|一步一步(?:地)?(?:想|思考|推理)|深度思考",
)
WANTS_FAST: Final = _any(
    r"(?:quick|short|brief) answer|answer (?:quickly|briefly|at once)|just (?:the|an) answer|don'?t (?:over)?think"
    r"|no need to think|be (?:quick|brief)",
    r"(?:快速|简短|简单)(?:地)?(?:回答|答)|直接(?:回答|给(?:出)?答案)|不用(?:多)?想|别想太多",
)
CODE: Final = _any(
    r"debug|refactor|unit tests?|stack ?trace|traceback|segfault|regex|sql query|compile(?:r|s)? error|algorithm"
    r"|time complexity|(?:write|implement|fix|optimi[sz]e) (?:a |an |the |this |my )?(?:\w+ ){0,2}"
    r"(?:function|class|method|script|program|query|parser|code|bug)",
    r"调试|重构|单元测试|正则表达式|算法|时间复杂度|(?:写|实现|修复|优化)(?:一个|这个|一段)?.{0,8}"
    r"(?:函数|类|方法|脚本|程序|代码|查询)|报错|堆栈",
)
CODE_SHAPE: Final = re.compile(
    r"```|^[ \t]{0,20}(?:def|class|import|from|return|func|fn|public|private|const|let|var)\b[^\n]{0,60}?[:;{(]"
    r"|^#include\b|[;{][ \t]{0,4}$|</\w{1,20}>|=>|\bselect\b[^\n]{1,60}?\bfrom\b",
    re.MULTILINE,
)
MATHS: Final = _any(
    r"prove(?: that)?|proof|theorem|integral|derivative|equations?|probability|how many ways|eigenvalues?|polynomial"
    r"|solve for|logic puzzle|riddle",
    r"证明|定理|积分|导数|求导|方程|概率|多少种|特征值|多项式|求解|推理题|谜题|应用题",
)
MATHS_SHAPE: Final = re.compile(r"\\(?:frac|int|sum|sqrt|begin)\b|\$[^$\n]{1,80}\$|[a-z0-9)] ?\^ ?[a-z0-9(]|[∫∑√≤≥∀∃]")
GREETING: Final = re.compile(
    r"(?:hi|hello|hey|yo|good (?:morning|afternoon|evening|night)|thanks?(?: you)?(?: (?:so|very) much| a lot)?"
    r"|bye|goodbye|ok(?:ay)?|great|cool|你好|您好|嗨|早上好|下午好|晚上好|早安|晚安|谢谢(?:你|您|啦)?|多谢|再见|好的|好)"
    r"(?:[ ,，]*(?:there|mecum|everyone|all|again|呀|啊|吗))?[\s.!?~。！？～,，]*"
)
REWRITE: Final = _begins(
    r"rewrite|rephrase|reword|proofread|shorten|paraphrase|summari[sz]e|fix (?:the |my )?(?:grammar|spelling|typos)"
    r"|correct (?:the |my )?(?:grammar|spelling|text)|make (?:this|it) (?:shorter|clearer|more polite|more formal)",
    r"(?:把.{0,20})?(?:改写|润色|改短|缩短|校对|总结|概括|改得)|修改(?:语法|错别字)",
)
TRANSLATE: Final = _begins(r"translate|how do you say", r"(?:把.{0,40})?(?:翻译|译成|译为)|用?(?:英文|英语|中文)怎么说")
LOOKUP: Final = _begins(
    r"(?:what(?:'s| is| are| was)|who(?:'s| is| was)|when (?:is|was|did|does)|where (?:is|was|are)|which|define"
    r"|how (?:old|tall|far|big|long) (?:is|was|are)|remind me|find|look up|list)",
    r"(?:什么是|谁是|哪里|哪儿|什么时候|几点|查(?:一下)?|列出|.{1,16}(?:是什么|是谁|在哪(?:里|儿)?|是什么时候|有多(?:高|大|远)))",
)
WHY: Final = _any(
    r"why|how (?:can|could|should|would|do|does)|compare|trade-?offs?|pros and cons|design|plan|strategy|analy[sz]e"
    r"|evaluate|argue|critique|derive|estimate|decide|recommend",
    r"为什么|怎么办|如何|比较|权衡|利弊|优缺点|设计|规划|计划|策略|分析|评估|论证|推导|估算|决定|建议",
)
WHAT: Final = _any(r"what|who|when|where|which", r"什么|谁|哪|几")
CONSTRAINT: Final = _any(
    r"must(?: not)?|at (?:least|most)|no more than|exactly|without|only if|unless|except|ensure|constraints?"
    r"|requirements?|budget|deadline|subject to|given that|as well as",
    r"必须|不得|不能|至少|至多|最多|不超过|恰好|除非|除了|确保|约束|要求|预算|截止|满足|前提",
)
LIST_ITEM: Final = re.compile(
    r"^[ \t]{0,12}(?:[-*•]|\d{1,2}[.)、]|[（(]?[一二三四五六七八九十a-h][)）、.])[ \t]{0,4}\S", re.MULTILINE
)
SENTENCE: Final = re.compile(r"[.!?。！？](?:\s|$|[\"'”’])|[。！？]")
