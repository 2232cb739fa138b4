/** Names of the schedules on the command line. */
export const SCHEDULES = [
  'cosine',
  'cosine-restarts',
  'exponential',
  'inverse-time',
  'piecewise',
  'polynomial',
] as const;
export type ScheduleName = (typeof SCHEDULES)[number];

/** What `--help` says about the defaults that `createSchedule` derives. */
export const SCHEDULE_HELP = `Schedules start at --learning-rate, count batches, and fit the length of the training unless --schedule-options says
otherwise (Keras's parameters in camelCase):
  cosine           to 0; with a warm-up first from 0 to --learning-rate, or from --learning-rate to --warmup-target
  cosine-restarts  two cosines to 0, the second twice as long
  exponential      to a tenth                 {"decaySteps":n,"decayRate":0.1,"staircase":false}
  inverse-time     to a tenth                 {"decaySteps":n,"decayRate":9,"staircase":false}
  piecewise        a tenth after half, a hundredth after three quarters     {"boundaries":[…],"values":[…]}
  polynomial       in a straight line to a hundredth                        {"endLearningRate":r,"power":1,"cycle":false}
`;
