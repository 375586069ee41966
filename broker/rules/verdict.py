"""Why an answer may be rejected: a closed list, so that workers know what they are held to."""

from broker.errors import Invalid, Problem

REASONS = {
    "empty": "The answer is empty, or the task was not done",
    "instructions": "The answer breaks a rule that the instructions state",
    "random": "The answers look random, or were all the same",
    "known": "Answers to questions with known answers were wrong",
    "copied": "The answer was copied, or made by a program where that is not allowed",
    "code": "The completion code is missing or wrong",
}
"""What a person chooses from; programs give their own words."""
LONGEST_FEEDBACK = 1024


def reason(code: str, feedback: str) -> str:
    """The code, if there is such a reason. Raises Invalid, also without words of the requester's own."""
    problems = []
    if code not in REASONS:
        problems.append(Problem("choose why the answer is rejected", column="reason"))
    if not feedback.strip():
        problems.append(Problem("tell the worker what is wrong with this answer", column="feedback"))
    if problems:
        raise Invalid("; ".join(map(str, problems)), problems=problems)
    return code


def words(feedback: str) -> str:
    """A requester's words to a worker. Raises Invalid for more than 1024 characters."""
    if len(feedback) > LONGEST_FEEDBACK:
        message = f"write at most {LONGEST_FEEDBACK} characters"
        raise Invalid(f"feedback: {message}", problems=[Problem(message, column="feedback")])
    return feedback
