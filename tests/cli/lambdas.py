"""Functions as people have them in Lambda, good ones and bad ones."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import boto3


def pre(event, context):
    """AWS's own example."""
    print("Received event:", event)  # noqa: T201
    source = event["dataObject"].get("source") or event["dataObject"].get("source-ref")
    return {"taskInput": {"taskObject": source, "by": context.function_name}, "humanAnnotationRequired": "true"}


def picky(event, context):
    """Only some objects need people."""
    wanted = event["dataObject"].get("wanted", True)
    return {"taskInput": event["dataObject"], "isHumanAnnotationRequired": wanted}


def settings(event, context):
    """What it can see of the broker."""
    return sorted(name for name in os.environ if name.startswith("BROKER_"))


def pid(event, context):
    """Its process."""
    return os.getpid()


def raises(event, context):
    """A bug."""
    raise ValueError(f"cannot do {event['what']}")


def hangs(event, context):
    """It never ends, and has a child that does not either."""
    if event.get("well"):
        return "well"
    with subprocess.Popen(["sleep", "1000"]) as child:
        Path(event["note"]).write_text(str(child.pid))
        time.sleep(1000)
    return None


def crashes(event, context):
    """Killed from below."""
    os.kill(os.getpid(), signal.SIGSEGV)


def leaves(event, context):
    """It ends its own process."""
    os._exit(3)


def no_json(event, context):
    """Something that JSON has no word for."""
    return {"a": {1, 2}}


def endless(event, context):
    """More than anybody wants."""
    return "x" * (7 << 20)


def post(event, context):
    """The consolidation of AWS's recipe: each object's first answer, from the payload in S3."""
    bucket, _, key = event["payload"]["s3Uri"].removeprefix("s3://").partition("/")
    role = boto3.client("sts").assume_role(RoleArn=event["roleArn"], RoleSessionName="labeling")["Credentials"]
    keys = {"aws_access_key_id": role["AccessKeyId"], "aws_secret_access_key": role["SecretAccessKey"]}
    s3 = boto3.client("s3", aws_session_token=role["SessionToken"], **keys)
    objects = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    name = event["labelAttributeName"]
    return [
        {
            "datasetObjectId": one["datasetObjectId"],
            "consolidatedAnnotation": {
                "content": {
                    name: {
                        "first": json.loads(one["annotations"][0]["annotationData"]["content"]),
                        "workers": len(one["annotations"]),
                        "categories": event["labelCategories"],
                    }
                }
            },
        }
        for one in objects
    ]
