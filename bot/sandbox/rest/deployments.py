"""The App's answer to a deployment that waits.

https://docs.github.com/rest/actions/workflow-runs#review-custom-deployment-protection-rules-for-a-workflow-run
"""

from bot.sandbox.rest.routing import Answer, Call, route
from bot.sandbox.rules import Refused, not_found


@route("POST", "/repos/{owner}/{repo}/actions/runs/{run_id}/deployment_protection_rule", "deployments:write")
def answer(call: Call) -> Answer:
    """Approve, reject or report."""
    run = call.repository.workflow_runs.get(call.number("run_id"))
    if run is None:
        raise not_found()
    environment, state = call.body.get("environment_name"), call.body.get("state")
    comment = call.body.get("comment")
    if not isinstance(environment, str) or (state is None and not comment):
        raise Refused("Invalid request.")
    run.answer(environment, state, str(comment or ""))
    return Answer(204)
