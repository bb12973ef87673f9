// HTML by tagged template: what stands in the template is markup, whatever is put into it is text and gets escaped.

/** Markup that is whole and safe: only `html` makes it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Markup | readonly Part[] | undefined | false;

const ENTITY: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in an element or in a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, c => ENTITY[c]);
}

/** Joins a template; `undefined` and `false` give nothing, arrays their parts one after the other. */
export function html(template: TemplateStringsArray, ...parts: Part[]): Markup {
  let text = template[0];
  parts.forEach((part, i) => {
    text += render(part) + template[i + 1];
  });
  return new Markup(text);
}

function render(part: Part): string {
  if (part === undefined || part === false) return '';
  if (part instanceof Markup) return part.text;
  if (typeof part === 'object') return part.map(render).join('');
  return escapeHtml(String(part));
}
