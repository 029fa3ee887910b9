
"use strict";
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);

function add(parent, name, text) {
  const child = parent.appendChild(document.createElement(name));
  if (text !== undefined) child.textContent = text;
  return child;
}
