import fc from 'fast-check';

// A mutant is found by the first counterexample: a smaller one would only cost time.
fc.configureGlobal({ endOnFailure: true });
