// The little Markdown that chats use, as elements. Text only ever becomes text nodes, never markup.

const INLINE = /\\([\\*_~`|<>#[\]().@:-])|\*\*(.+?)\*\*|`([^`]+)`|<?(https?:\/\/[^\s<>)]+)>?|\[([^\]]+)\]\(<?(https?:\/\/[^\s<>)]+)>?\)/gu;

const BLOCKS = { "": "div", ">": "blockquote", "-#": "small" };

// Paragraphs, lists (`-`, `*`, `1.`), quotes (`>`), headings (`#`) and small print (`-#`).
export function rendered(text) {
  const blocks = [];
  let list = null;
  for (const row of text.split("\n")) {
    const item = /^\s*(?:[-*•]|(\d+)\.)\s+(.*)$/u.exec(row);
    if (item) {
      const kind = item[1] ? "ol" : "ul";
      if (list?.localName !== kind) {
        list = document.createElement(kind);
        blocks.push(list);
      }
      list.append(made("li", item[2]));
      continue;
    }
    list = null;
    if (!row.trim()) continue;
    const [, mark, rest] = /^(-#|>|#{1,3})\s+(.*)$/u.exec(row) || [null, "", row];
    blocks.push(made(BLOCKS[mark] ?? "strong", rest));
  }
  return blocks;
}

function made(tag, text) {
  const element = document.createElement(tag);
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    element.append(text.slice(from, found.index), inline(found));
    from = found.index + found[0].length;
  }
  element.append(text.slice(from));
  return element;
}

function inline([, escaped, bold, code, address, label, target]) {
  if (escaped !== undefined) return escaped;
  if (bold !== undefined) return made("strong", bold);
  if (code !== undefined) return Object.assign(document.createElement("code"), { textContent: code });
  const link = document.createElement("a");
  link.href = target ?? address;
  link.textContent = label ?? address;
  link.rel = "noreferrer noopener";
  link.target = "_blank";
  return link;
}
