// What pages written for MTurk call: the functions of its externalHIT_v1.js, over the parameters in the page's address.

(() => {
  const given = new URLSearchParams(location.search);
  const UNAVAILABLE = "ASSIGNMENT_ID_NOT_AVAILABLE";

  /** A parameter of the page's address, or `otherwise`. */
  globalThis.turkGetParam = (name, otherwise = "") => given.get(name) ?? otherwise;

  globalThis.turkGetSubmitToHost = () => given.get("turkSubmitTo") ?? "https://www.mturk.com";

  /** Fill in the field of the assignment's id; a preview cannot be submitted. */
  globalThis.turkSetAssignmentID = (form, button) => {
    const id = given.get("assignmentId") ?? "";
    const field = document.getElementById("assignmentId");
    if (field) field.value = id;
    const submit = button ?? document.getElementById("submitButton");
    if (id === UNAVAILABLE && submit) {
      submit.disabled = true;
      if ("value" in submit) submit.value = "You must ACCEPT the HIT before you can submit the results.";
    }
    return id;
  };
})();
