/** Options with every default filled in. */
export type Config<Options> = { readonly [Name in keyof Options]-?: Exclude<Options[Name], undefined> };
