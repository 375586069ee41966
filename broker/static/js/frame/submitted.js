// The end of a site's form: tells the page around the site that the broker has the answer.

parent.postMessage({ type: "crowd-external-submitted" }, location.origin);
