// Random names of the embedded base's training text: made-up words, so that copying from the screen is the only way to get them right.

/** Draws from a list, a range or a coin; one generator a document. */
export interface Draw {
  /** From 0 up to 1. */
  next(): number;
  int(low: number, high: number): number;
  pick<T>(list: readonly T[]): T;
  chance(probability: number): boolean;
  sample<T>(list: readonly T[], count: number): T[];
}

/** A generator that gives the same numbers for the same seed. mulberry32. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 15), z | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (low: number, high: number) => low + Math.floor(next() * (high - low + 1));
  return {
    next,
    int,
    pick: (list) => list[int(0, list.length - 1)]!,
    chance: (probability) => next() < probability,
    sample(list, count) {
      const rest = [...list];
      return Array.from(
        { length: Math.min(count, rest.length) },
        () => rest.splice(int(0, rest.length - 1), 1)[0]!,
      );
    },
  };
}

const syllables =
  "ba be bi bo bu da de di do du fa fe fi ga go gu ha he ho ja jo ka ke ki ko ku la le li lo lu ma me mi mo mu na ne ni no nu pa pe pi po pu ra re ri ro ru sa se si so su ta te ti to tu va ve vi vo wa we wi za ze zo " +
  "qu len dar ves ork pim sal tur bex nod fir gal hup jin kel wob zan bar lim ton mer cas dol fen gor hex jam kip lor mun nar pol rix sut tam vil wex yor zed";
const parts = syllables.split(" ");
const letters = "abcdefghijklmnopqrstuvwxyz";

const vowels = [..."aeiou"];
const consonants = [..."bcdfghjklmnpqrstvwxyz"];

/** A syllable of any letters, so that no list of them can be learnt by heart. */
function syllable(draw: Draw): string {
  const onset = draw.chance(0.9)
    ? draw.pick(consonants) + (draw.chance(0.12) ? draw.pick([..."lrw"]) : "")
    : "";
  return onset + draw.pick(vowels) + (draw.chance(0.6) ? draw.pick(consonants) : "");
}

/** What no text may say, not even by chance. */
const unsaid = /^(exit|panic|logout|quit|orders?|tasks?)$/;

/** A word that nobody has seen: one to three syllables, sometimes plain letters. */
export function madeUpWord(draw: Draw): string {
  const word = anyLetters(draw);
  return unsaid.test(word) ? madeUpWord(draw) : word;
}

function anyLetters(draw: Draw): string {
  if (draw.chance(0.12))
    return Array.from({ length: draw.int(3, 7) }, () => draw.pick([...letters])).join("");
  const usual = draw.chance(0.3);
  return Array.from({ length: draw.pick([1, 2, 2, 2, 3]) }, () =>
    usual ? draw.pick(parts) : syllable(draw),
  ).join("");
}

/** Something in capitals, as variables and notes are called. */
export function capitals(draw: Draw): string {
  return Array.from({ length: draw.pick([1, 1, 2, 2, 3]) }, () => anyWord(draw).toUpperCase()).join("_");
}

const common =
  "amber birch cedar delta ember flint grove hazel iris jade kite lotus maple north ocean pearl quartz river stone tulip umber violet willow xenon yarrow zinc " +
  "apple bread chair table window garden letter number paper pencil bottle button candle carpet circle copper corner cotton desert dinner engine family finger flower forest silver golden green purple orange yellow winter summer spring autumn mountain valley island bridge street market station harbor castle village report notes draft plan list data index sample record entry value result status backup archive config system server client remote local main test alpha beta gamma omega";
/** Words that mean something. */
export const words: readonly string[] = common.split(" ");

/** More of them, for names alone: what is copied must not be a list learnt by heart. */
const wider = (
  "able acid actor adult agent alarm album angle ankle apron arena arrow aspen attic award badge baker " +
  "banjo basin basket beach beard berry bishop blade blanket blossom board bonus border bracket brass " +
  "brick broom brush bucket bulb bundle bunker cabin cactus camel canal canoe canvas cargo castor " +
  "cattle cavern cellar cement chalk chapel charm cherry chess chimney cinema citrus clay cliff clock " +
  "cloud clover coast cobalt cocoa coffee collar comet compass copy coral cousin cradle crane crayon " +
  "cricket crown crystal cushion dagger daisy dancer decade denim diamond diesel dolphin donkey dragon " +
  "drawer dream drift drum dust eagle earth easel echo eclipse elbow elder elephant empire enamel " +
  "envelope estate fabric falcon feather fence ferry fiber fiddle field finch flame flannel fleet flock " +
  "flute foam fossil fountain fox frame frost fruit funnel galaxy gallery gander garlic gazelle gear " +
  "ghost ginger glacier glass globe glove goblet gossip granite grape gravel guitar hammer hamster " +
  "handle hatch hawk heather helmet herring hickory hinge honey horizon hornet hotel hunter husky igloo " +
  "ink insect ivory jacket jaguar jelly jersey jewel jigsaw journal judge jungle kennel kernel ketchup " +
  "kettle kidney kitten knight ladder lagoon lantern lark lava leaf ledger lemon lens lever lily linen " +
  "lion lizard lobster locket lumber lunch magnet mango marble margin marsh mason meadow medal melon " +
  "mentor mercury meteor mirror mitten monkey mosaic moss motor muffin mule museum music mustard napkin " +
  "nectar needle nest nettle nickel noodle nutmeg oak oasis oats olive onion opal orbit orchid organ " +
  "otter oven owl oxygen oyster paddle palace panda panel parade parcel parrot pasta pasture patrol " +
  "peach pebble pelican pepper phone piano picnic pigeon pillow pilot pistol planet plaster pocket " +
  "pollen pony poplar porch potato powder prism pulse pumpkin puppet puzzle quail quarry queen quilt " +
  "quiver rabbit radar radio rain ranch raven razor ribbon ridge robin rocket rope rose ruby saddle " +
  "salad salmon sandal satin saturn scarf scout screen seal shadow shell shield shrimp signal silk " +
  "siren sketch slate sleet smoke snail socket sofa sonnet spark spice spider spiral spoon spruce " +
  "squash stable staple steam sugar sunset swallow switch syrup tailor talent tango target teapot " +
  "temple tennis terrace thimble thistle thunder ticket tiger timber toast tomato topaz torch tower " +
  "tractor trumpet tunnel turtle tweed unicorn urchin vacuum valley vanilla vapor velvet vessel viking " +
  "vine violin volcano voyage waffle wagon walnut walrus wander water weasel whale wheat whistle widow " +
  "window wizard wolf wool wren yacht yogurt zebra zephyr zipper"
).split(" ");

/** The beginning of one word and the end of another: looks like a word and is none, so it cannot be guessed from its first half. */
function blend(draw: Draw): string {
  const [a, b] = [draw.pick(wider), draw.pick(wider)];
  const word = a.slice(0, draw.int(2, 4)) + b.slice(-draw.int(2, 4));
  return unsaid.test(word) ? blend(draw) : word;
}

/** A common word or a made-up one. */
export function anyWord(draw: Draw): string {
  const kind = draw.next();
  if (kind < 0.3) return draw.pick(words);
  if (kind < 0.55) return draw.pick(wider);
  return kind < 0.75 ? blend(draw) : madeUpWord(draw);
}

/** The name of a program: one word or two in one, sometimes with a letter or a word before it; no beginning is frequent. */
export function programName(draw: Draw): string {
  const letter = draw.pick([...letters]);
  const before = draw.pick(["", "", "", "", "", letter, `${letter}-`, `${anyWord(draw)}-`, draw.pick(words)]);
  return before + madeUpWord(draw) + (draw.chance(0.5) ? madeUpWord(draw) : "");
}

/** Words that differ. */
export function distinctWords(draw: Draw, count: number): string[] {
  const found = new Set<string>();
  while (found.size < count) found.add(anyWord(draw));
  return [...found];
}

const users =
  "alice bob carol dina erik fay gus hana ivan judy kurt lena mara nils olga pete rita sven tina udo vera walt".split(
    " ",
  );
export const userName = (draw: Draw): string =>
  draw.chance(0.35) ? "alice" : draw.chance(0.8) ? draw.pick(users) : madeUpWord(draw);

/** A directory below which a job happens; `home` is the user's. */
export function place(draw: Draw, user: string): string {
  const name = anyWord(draw);
  const home = `/home/${user}`;
  const path = draw.pick([
    `/srv/${name}`,
    `/var/${name}`,
    `/opt/${name}`,
    `${home}/${name}`,
    `${home}/${name}`,
  ]);
  // Paths of several parts: the middle one is as easily lost in copying as the last.
  return draw.chance(0.55) ? path : `${path}/${draw.chance(0.15) ? `${anyWord(draw)}/` : ""}${anyWord(draw)}`;
}

/** The path as a person writes it: `~` for home, most of the time. */
export const written = (draw: Draw, path: string, user: string): string =>
  path.startsWith(`/home/${user}/`) && draw.chance(0.5) ? path.replace(`/home/${user}`, "~") : path;

/** In single quotes for sh. */
export const quote = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
