// The dialog that tells the requester what is wrong with a HIT.

import { LoggedOut, Refused, post } from "./door.js";

export class Problem {
  #dialog = document.getElementById("problem");
  #text = document.getElementById("problem-text");
  #error = document.getElementById("problem-error");
  #about = null;

  /** `done(skip)` is called when a report has arrived. */
  constructor(done) {
    this.#dialog.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send(event.submitter, done);
    });
  }

  open(assignment) {
    if (this.#about !== assignment) this.#text.value = "";
    this.#about = assignment;
    this.#complain("");
    this.#dialog.showModal();
    this.#text.focus();
  }

  async #send(button, done) {
    const text = this.#text.value.trim();
    if (!text) {
      this.#complain("Say in a few words what is wrong.");
      return;
    }
    button.disabled = true;
    try {
      await post("/work/problem", { assignment: this.#about, text });
      this.#text.value = "";
      this.#dialog.close();
      done(button.value === "skip");
    } catch (error) {
      if (error instanceof Refused) this.#complain(error.message);
      else this.#complain(error instanceof LoggedOut ? "You are logged out; the report was not sent." : "No connection; the report was not sent. Try again in a moment.");
    } finally {
      button.disabled = false;
    }
  }

  #complain(message) {
    this.#error.textContent = message;
    if (message) this.#text.setAttribute("aria-invalid", "true");
    else this.#text.removeAttribute("aria-invalid");
    if (message) this.#text.focus();
  }
}
