// What scenarios are made of, as data: the axes along which they differ. The built-in author and a teacher draw from the
// same lists, so their yields can be compared cell by cell.

/** One kind of work. */
export interface Archetype {
  readonly name: string;
  /** What it asks for, one line, as a teacher model reads it. */
  readonly summary: string;
  /** Endings that a scenario of it may have. */
  readonly terminals: readonly ("exit" | "panic")[];
}

const work = <N extends string>(name: N, summary: string) => ({
  name,
  summary,
  terminals: ["exit"] as const,
});

/** Kinds of work. */
export const archetypes = [
  work("file_create", "create a file with given lines, perhaps in a directory that does not exist yet"),
  work(
    "file_transform",
    "write a changed copy of a file (sorted, upper case, reversed, numbered), the original kept",
  ),
  work("search_count", "count lines or files that hold a word below a directory, write the number"),
  work("text_replace", "replace a word in one or more files in place, nothing else changed"),
  work("permissions", "set the modes of files or directories"),
  work("log_extract", "copy the lines, hosts or numbers asked for from a log"),
  work("cleanup", "delete the files that a rule names, keep all others"),
  work("archive", "create, list or unpack a tar or gzip archive"),
  work("csv_sum", "add up, count or select columns of a CSV table"),
  work(
    "process_env",
    "write a fact of the running system or session (user, variable, umask, PATH) to a file",
  ),
  work("file_move", "move files to another directory or name"),
  work("file_copy", "copy files, the originals kept"),
  work("file_append", "add lines at the end or the start of an existing file"),
  work("dir_tree", "create a layout of directories"),
  work("symlink", "create or change symbolic links"),
  work("head_tail", "write the first, last or n-th lines of a file to another"),
  work(
    "sort_unique",
    "sort numerically, by column or without duplicates, or count how often each line occurs",
  ),
  work("line_count", "write the number of lines, words or bytes of files"),
  work("rename_batch", "rename all files of a kind by a rule"),
  work("delete_lines", "delete lines from a file in place by a rule"),
  work("checksum", "write a manifest of checksums, or find what does not match one"),
  work("config_edit", "set, add or comment out a key of a key=value file"),
  work("compare_files", "say which lines or files differ"),
  work("find_file", "write the paths of files that a rule names"),
  work("two_step", "two pieces of work, in one text or handed out one after the other"),
  { name: "empty_queue", summary: "nothing to do: leave at once, change nothing", terminals: ["exit"] },
  {
    name: "blocked",
    summary: "work that cannot be done: say so by panic, change nothing",
    terminals: ["panic"],
  },
] as const satisfies readonly Archetype[];

export type ArchetypeName = (typeof archetypes)[number]["name"];

/** Names of all archetypes. */
export const archetypeNames: readonly ArchetypeName[] = archetypes.map(({ name }) => name);

/** How a provider program is asked for a directive. */
export const providerShapes = {
  flag: "an option prints it",
  sub: "a sub-command prints it",
  list_show: "one sub-command lists numbers, another prints the one asked for",
  numbered: "its number is the argument",
  named: "an option takes the operator's login name",
  ack: "a sub-command prints it, another takes the word that it is done",
  config: "an option names the operator's settings file",
  variable: "a variable of the environment names the operator",
  stdin: "the login name is read from standard input",
  deliver: "it is put into a file, whose name is printed",
} as const;

export type ProviderShape = keyof typeof providerShapes;

export const shapeNames = Object.keys(providerShapes) as ProviderShape[];

/** Where the existence of the provider is announced. */
export const announcementKinds = ["motd", "banner", "env", "file"] as const;

export type AnnouncementKind = (typeof announcementKinds)[number];

/** Pages that have to be read before the provider can be used: 1 = its --help says all. */
export const docDepths = [1, 2, 3] as const;

/** 1 = one plain step, 3 = nested places, more files that must be left alone, more conditions. */
export const difficulties = [1, 2, 3] as const;

/** How much a scenario asks of whoever meets it. */
export interface Level {
  readonly shapes: readonly ProviderShape[];
  /** Drawn from, so one that stands here twice comes twice as often. */
  readonly docDepths: readonly number[];
  /** Share of announcements that lead to the provider over a second text. */
  readonly nested: number;
  readonly difficulties: readonly number[];
}

/** `full` is everything; `plain` has the five usual kinds of program, whose --help says all, announced at once, and work of one plain
 *  step: what a base of a few million parameters can learn from a few hundred sessions. */
export const levels = {
  full: { shapes: shapeNames, docDepths: [1, ...docDepths], nested: 0.2, difficulties },
  plain: {
    shapes: ["flag", "sub", "list_show", "numbered", "named"],
    docDepths: [1],
    nested: 0,
    difficulties: [1],
  },
} as const satisfies Readonly<Record<string, Level>>;

export type LevelName = keyof typeof levels;

export const levelNames = Object.keys(levels) as LevelName[];

/** What a provider calls its texts. */
export const nouns = ["directive", "assignment", "order", "task", "instruction"] as const;

/** Login names, the first ones more often. */
export const userNames = [
  "alice",
  "alice",
  "bob",
  "carol",
  "dina",
  "emil",
  "fay",
  "goran",
  "hana",
  "ivo",
] as const;

/** The host of every world. */
export const HOST = "sek";

/** Plain words for files and directories. */
export const plainWords = (
  "amber birch cedar delta ember flint grove hazel iris jade kite lotus maple north ocean pearl quartz river stone tulip " +
  "umber violet willow xenon yarrow zinc anchor basin cliff dune eagle fern glade harbor inlet juniper kelp lagoon meadow " +
  "nectar opal pine quill ridge spruce thistle urchin valley walnut yew zephyr acorn beacon copper drift echo falcon garnet " +
  "heron island jasper knoll linen marble nickel orchid pebble quarry raven saddle timber velvet wheat bamboo canyon dahlia " +
  "ebony forest ginger hollow indigo jungle kettle ledger mango nettle olive pepper rafter silver tunnel upland vapor wagon"
).split(" ");

/** Syllables that made-up names are put together from. */
export const syllables = (
  "qua tar rom mil len dar ves ork pim sal tur bex nod fir gal hup jin kel wob zan bri cug dol fex gri hod jub kir lom " +
  "mag nix pav rud sef tib vor wex yun zim dra flo gam hes jol kag lun mip nel pog ruk sim tov ulm vex wim yol zek bam " +
  "cor duv fen gop hix"
).split(" ");
