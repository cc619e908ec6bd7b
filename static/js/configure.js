// What is taken back is taken back at once: whoever clicks on before the answer has come would otherwise choose it again.
document.addEventListener("click", (event) => {
  const back = event.target.closest("#choices button[name=open]");
  if (!back) return;
  for (const field of back.closest("fieldset").querySelectorAll("input, select")) {
    if (field.type === "radio") field.checked = false;
    else field.value = "";
  }
});
