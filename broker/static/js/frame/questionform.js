// A QuestionForm: says what is wrong with an answer beside its question, and gives selections as their list.

(() => {
  const form = document.querySelector("form");
  const questions = [...form.querySelectorAll("[data-question]")];
  const chosen = (question) => [...question.querySelectorAll("input[type=radio], input[type=checkbox]")].filter((one) => one.checked).map((one) => one.value)
    .concat([...question.querySelectorAll("select")].flatMap((one) => [...one.selectedOptions].map((option) => option.value))).filter(Boolean);
  const own = (question) => question.querySelector("[data-other]")?.value.trim() ?? "";
  const text = (question) => question.querySelector("[data-text]")?.value ?? null;

  /** A text keeps to its limits: what is wrong, or "". */
  function textFault(field, value) {
    const { numeric, least, most, shortest, longest } = field.dataset;
    const number = Number(value);
    if (numeric && (!value.trim() || !Number.isFinite(number))) return "Write a number.";
    if (numeric && least && number < Number(least)) return `Write a number of at least ${least}.`;
    if (numeric && most && number > Number(most)) return `Write a number of at most ${most}.`;
    if (shortest && [...value].length < Number(shortest)) return `Write at least ${shortest} characters.`;
    if (longest && [...value].length > Number(longest)) return `Write at most ${longest} characters.`;
    const broken = JSON.parse(field.dataset.patterns || "[]").find(({ regex, flags }) => !matches(regex, flags, value));
    return broken ? broken.said : "";
  }

  function matches(regex, flags, value) {
    try {
      return new RegExp(regex, flags.includes("i") ? "iu" : "u").test(value);
    } catch {
      return true; // the broker decides about an expression that this browser does not know
    }
  }

  function fault(question) {
    const required = question.dataset.required === "yes";
    if (text(question) !== null) {
      const field = question.querySelector("[data-text]");
      return text(question) ? textFault(field, text(question)) : required ? "This question must be answered." : "";
    }
    const count = chosen(question).length + (own(question) ? 1 : 0);
    const { least, most } = question.dataset;
    if (!count) return required ? "This question must be answered." : "";
    if (count < Number(least)) return `Choose at least ${least}.`;
    if (count > Number(most)) return `Choose at most ${most}.`;
    return own(question) ? textFault(question.querySelector("[data-other]"), own(question)) : "";
  }

  function show(question) {
    const said = fault(question);
    const line = question.querySelector("[role=alert]");
    if (line.textContent !== said) line.textContent = said;
    if (said) line.classList.add("was");
    for (const field of question.querySelectorAll("input, select, textarea")) {
      if (said) field.setAttribute("aria-invalid", "true");
      else field.removeAttribute("aria-invalid");
    }
    return said;
  }

  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    const wrong = questions.filter((question) => show(question));
    if (!wrong.length) return;
    event.preventDefault();
    wrong[0].querySelector("input, select, textarea")?.focus();
  });
  form.addEventListener("input", (event) => {
    const question = event.target.closest("[data-question]");
    if (question?.querySelector("[role=alert]").textContent) show(question);
  });

  globalThis.crowdFrame.gather = () => {
    const answer = {};
    for (const question of questions) {
      const name = question.dataset.question;
      const [picked, words] = [chosen(question), own(question)];
      if (text(question)) answer[name] = text(question);
      else if (words) answer[name] = { selections: picked, otherSelection: words };
      else if (picked.length) answer[name] = picked;
    }
    return answer;
  };
})();
