"""Review policies: read when a HIT is made, and what their reviews found and did."""

from collections.abc import Sequence

from broker.mturk import hits
from broker.mturk.paging import after, size
from broker.mturk.wire import Call, Json, operation, seconds
from broker.rules.review_policy import Level
from broker.store import policies
from broker.store.policies import FAILED, ReviewAction, ReviewResult

PREFIXES = {Level.HIT: "H", Level.ASSIGNMENT: "T"}


@operation("ListReviewPolicyResultsForHIT", reads=True)
def list_results(call: Call) -> Json:
    """What the policies of a HIT found and did, the oldest first; a page holds up to MaxResults of each list.

    As in the other lists a page that holds something has the token of the next one, which may be empty.
    """
    hit = hits.found(call, call.params["HITId"]).hit
    wanted = [Level(one) for one in call.params.get("PolicyLevels") or Level]
    skip, longest = after(call), 0
    said: Json = {"HITId": call.params["HITId"]}
    told = policies.policies(call.unit, [hit.id]).get(hit.id, (None, None))
    for level, policy in zip((Level.ASSIGNMENT, Level.HIT), told, strict=True):
        if policy is not None and level in wanted:
            name = f"{'HIT' if level == Level.HIT else 'Assignment'}Review"
            results, actions = _read(call, hit.id, level, skip)
            longest = max(longest, len(results), len(actions))
            said[f"{name}Policy"] = policy
            said[f"{name}Report"] = {
                "ReviewResults": [_result(call, one) for one in results],
                "ReviewActions": [_action(call, one) for one in actions],
            }
    return said | ({"NextToken": call.shown("N", skip + longest)} if longest else {})


def _read(call: Call, hit_id: int, level: Level, skip: int) -> tuple[Sequence[ReviewResult], Sequence[ReviewAction]]:
    """A page of results and actions, as far as they are wanted."""
    limit = size(call)
    results: Sequence[ReviewResult] = ()
    actions: Sequence[ReviewAction] = ()
    if call.params.get("RetrieveResults", True):
        results = policies.results(call.unit, hit_id, level, skip=skip, limit=limit)
    if call.params.get("RetrieveActions", True):
        actions = policies.actions(call.unit, hit_id, level, skip=skip, limit=limit)
    return results, actions


def _result(call: Call, one: ReviewResult) -> Json:
    said = {
        "ActionId": call.shown("V", one.id),
        "SubjectId": call.shown(PREFIXES[Level(one.level)], one.subject),
        "SubjectType": one.level,
        "Key": one.key,
        "Value": one.value,
    }
    return said | ({"QuestionId": one.question} if one.question else {})


def _action(call: Call, one: ReviewAction) -> Json:
    said = {
        "ActionId": call.shown("V", one.id),
        "ActionName": one.name,
        "TargetId": call.shown(PREFIXES[Level(one.level)], one.target),
        "TargetType": one.level,
        "Status": one.status,
        "CompleteTime": seconds(one.at),
        "Result": one.result,
    }
    return said | ({"ErrorCode": one.error} if one.status == FAILED else {})
