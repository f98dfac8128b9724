// How long there is to answer.

/** What is left of the time to answer, in words. */
export function left(t, seconds) {
  if (seconds <= 0) return t("approvals.late");
  return seconds < 90 ? t("left.seconds", { count: seconds }) : t("left.minutes", { count: Math.round(seconds / 60) });
}
