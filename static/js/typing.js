// Whether keys belong to a field and not to the page. A module of its own, without effects: it may be loaded by two names.

export function isTyping(element) {
  return element.isContentEditable || (/^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName) && element.type !== "checkbox");
}
