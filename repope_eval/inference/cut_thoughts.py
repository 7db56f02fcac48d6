"""A thought that the limit of tokens cut off: the question stands as unanswered, with an empty text, and is counted.

The same limit would cut the same thought again, so that a question without a line of its own would keep its run from
ever ending. With a larger limit a run is another one, which asks all questions, in a folder of its own.
"""

from repope_eval.wording import counted


def cut_thoughts_line(number: int, max_new_tokens: int) -> str:
    """What the log says of so many questions, given the limit."""
    return (
        f"{counted(number, 'question')} unanswered: the model was still thinking after "
        f"{counted(max_new_tokens, 'token')}, so the text is empty; in another folder (out=) give it a larger "
        "model.max_new_tokens, or turn its thinking off (family chat: model.chat_template, where its template can)"
    )
