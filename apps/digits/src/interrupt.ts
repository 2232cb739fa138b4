/** Ctrl-C: the first asks to stop, the second ends the process at once with 130. */
export interface Interrupt {
  readonly requested: () => boolean;
  /** Lets go of the signal. */
  readonly release: () => void;
}

/** `first` and `second` are called at the first and second Ctrl-C. */
export function listenForInterrupt(first: () => void, second: () => void): Interrupt {
  let requested = false;
  const onSignal = (): void => {
    if (requested) {
      second();
      process.exit(130);
    }
    requested = true;
    first();
  };
  process.on('SIGINT', onSignal);
  return { requested: () => requested, release: () => void process.off('SIGINT', onSignal) };
}
