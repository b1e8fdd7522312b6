// Modules run with other tensors in place of their own: what func.functionalCall asks of them.
import { Tensor } from "@chainrule/core";
import { fail, sameShape, showShape, type FunctionalCallOptions } from "@chainrule/core/internal";
import { Buffer } from "./buffer.ts";
import { members, membersOf, standIns } from "./members.ts";
import type { Module } from "./module.ts";
import { Parameter } from "./parameter.ts";
import { join, walk } from "./walk.ts";

/** A place in a module, or in an array or Map of it, that holds a parameter or a buffer. */
interface Place {
  /** All names that lead to it. */
  readonly names: string[];
  readonly held: Tensor;
  readonly put: (tensor: Tensor) => void;
}

/**
 * Runs `body` while `state` takes the place of the tensors of these names.
 * @throws before anything is replaced, when a name or a shape does not fit
 */
export function runWith<T>(
  root: Module, state: ReadonlyMap<string, Tensor>,
  { tieWeights, strict }: Required<FunctionalCallOptions>, body: () => T,
): T {
  const places = placesOf(root);
  checkNames(places, state, strict);
  const replaced = replacements(places, state, tieWeights);
  const isNew: Tensor[] = [];
  try {
    for (const [{ held, put }, tensor] of replaced) {
      if (held instanceof Parameter && !(tensor instanceof Parameter) && !standIns.has(tensor)) {
        standIns.add(tensor);
        isNew.push(tensor);
      }
      put(tensor);
    }
    return body();
  } finally {
    for (const [{ held, put }] of replaced) put(held);
    for (const tensor of isNew) standIns.delete(tensor);
  }
}

/** Every place once, with all names that lead there. */
function placesOf(root: Module): Place[] {
  const found = new Map<object, Map<unknown, Place>>(); // by what holds it, then by key
  const note = (
    holder: object, key: unknown, name: string, held: Tensor, put: Place["put"],
  ): void => {
    const ofHolder = found.get(holder) ?? new Map<unknown, Place>();
    found.set(holder, ofHolder);
    const place = ofHolder.get(key) ?? { names: [], held, put };
    ofHolder.set(key, place);
    place.names.push(name);
  };
  const visit = (
    holder: object, key: unknown, name: string, value: unknown, put: Place["put"],
    within: readonly unknown[], isBuffer: (value: Tensor) => boolean,
  ): void => {
    if (value instanceof Tensor) {
      if (value instanceof Parameter || isBuffer(value)) note(holder, key, name, value, put);
    } else if (within.includes(value)) return;
    else if (Array.isArray(value)) {
      value.forEach((item, i) => visit(value, i, join(name, `${i}`), item,
        (tensor) => { value[i] = tensor; }, [...within, value], isBuffer));
    } else if (value instanceof Map) {
      for (const [k, item] of value) {
        visit(value, k, join(name, `${k}`), item, (tensor) => { value.set(k, tensor); },
          [...within, value], isBuffer);
      }
    }
  };
  for (const [prefix, module] of walk(root, "", false)) {
    const buffers = new Set(membersOf(module).buffers.map(({ buffer }) => buffer));
    const fields = module as unknown as Record<string, unknown>;
    for (const [name, value] of module[members]()) {
      visit(module, name, join(prefix, name), value, (tensor) => { fields[name] = tensor; }, [],
        (tensor) => tensor instanceof Buffer || buffers.has(tensor));
    }
  }
  return [...found.values()].flatMap((ofHolder) => [...ofHolder.values()]);
}

/** @throws when a name leads nowhere, or with `strict` when a place is not given */
function checkNames(
  places: readonly Place[], state: ReadonlyMap<string, Tensor>, strict: boolean,
): void {
  const known = new Set(places.flatMap(({ names }) => names));
  const unexpected = [...state.keys()].filter((name) => !known.has(name));
  const given = new Set(places.filter(({ names }) => names.some((name) => state.has(name)))
    .map(({ held }) => held));
  const missing = strict ? places.filter(({ held }) => !given.has(held)) : [];
  if (unexpected.length + missing.length === 0) return;
  const problems = [
    ...unexpected.length === 0 ? [] : [`Unexpected key(s): ${unexpected.join(", ")}.`],
    ...missing.length === 0 ? [] : [`Missing key(s): ${missing.map(({ names }) => names[0])
      .join(", ")}.`],
  ];
  fail("functionalCall", `${problems.join(" ")} The module has ${[...known].join(", ")}`,
    { unexpected, missing: missing.map(({ names }) => names[0]) });
}

/** What goes where: under `tieWeights` also where the same tensor is held under other names. */
function replacements(
  places: readonly Place[], state: ReadonlyMap<string, Tensor>, tieWeights: boolean,
): (readonly [Place, Tensor])[] {
  const ofHeld = new Map<Tensor, { name: string; tensor: Tensor }>();
  const direct = new Map<Place, Tensor>();
  for (const place of places) {
    for (const name of place.names) {
      const tensor = state.get(name);
      if (tensor === undefined) continue;
      checkFits(name, tensor, place.held);
      const before = ofHeld.get(place.held);
      if (before !== undefined && before.tensor !== tensor && tieWeights) {
        fail("functionalCall", `got multiple values for keys ${before.name} and ${name}, which ` +
          "are tied: give one of them, or the same tensor for both, or tieWeights: false");
      }
      ofHeld.set(place.held, { name, tensor });
      direct.set(place, tensor);
    }
  }
  return places.flatMap((place) => {
    const tensor = direct.get(place) ?? (tieWeights ? ofHeld.get(place.held)?.tensor : undefined);
    return tensor === undefined ? [] : [[place, tensor] as const];
  });
}

function checkFits(name: string, { shape }: Tensor, held: Tensor): void {
  if (sameShape(shape, held.shape)) return;
  fail("functionalCall", `\`${name}\` must have the shape of the module's own, ` +
    `${showShape(held.shape)}, got ${showShape(shape)}`);
}
