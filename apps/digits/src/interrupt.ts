/** Ctrl-C: the first asks to stop, the second ends the process at once with 130. */
export interface Interrupt {
  readonly requested: () => boolean;
  /** Lets go of the signal. */
  readonly release: () => void;
}

/** `told` is called at the first Ctrl-C. */
export function listenForInterrupt(told: () => void): Interrupt {
  let requested = false;
  const onSignal = (): void => {
    if (requested) process.exit(130);
    requested = true;
    told();
  };
  process.on('SIGINT', onSignal);
  return { requested: () => requested, release: () => void process.off('SIGINT', onSignal) };
}
