/* One purchase between an agent, an issuer and a merchant, with a thief and a second payer beside them: what crosses
 * parties. A message that was sent may arrive at any time, in any order, any number of times, or never: the network is
 * a set of what was sent. What is signed cannot be forged; what is not signed, anybody may say.
 *
 * `run` checks it, and that each broken twin below fails. The names of the twins are macros. */

#define NONE 0
#define SETTLED 1
#define CANCELLED 2
#define REFUSED 3

/* Payments: the agent's first and second intent, and one of another account for the first offer. */
#define FIRST 0
#define SECOND 1
#define OTHER 2

/* Messages, once sent. */
bool intent[3], cancel[3];
bool settled[3], cancelled[3], refused[3];      /* receipts, by outcome */
bool problem[3];                                /* unsigned: nothing was decided */
bool shown[3];                                  /* receipt and secret, at the merchant's door */
bool thief_shows[3];                            /* a receipt that the thief has seen, without its secret */
bool delivery[3];

/* The issuer. */
byte decided[3];
byte moved[3];          /* how often money has moved */
bool registered;        /* the agent's mandate */
bool revoked;
bool told_revoked;      /* the person holds the receipt of the revocation */
bool ended[2];          /* the offer's time is over */
byte offer_of[3];

/* The merchant. */
byte consumed[2];       /* by which payment, plus one */
byte served[2];
bool served_thief;
bool withdrawn[2];
bool given_back[3];

/* What the agent believes for ever. */
bool dead[2], paid[2];
bool has[2];            /* it has what it paid for */

/* --- What must hold at every step. */

#define ONE_ANSWER(i) (!(settled[i] && (cancelled[i] || refused[i])) && !(cancelled[i] && refused[i]))

inline check() {
    /* No two answers to one intent differ. [AUT-1] [CMD-26] */
    assert(ONE_ANSWER(FIRST) && ONE_ANSWER(SECOND) && ONE_ANSWER(OTHER));
    /* Money moves once for an intent. [AUT-12] */
    assert(moved[FIRST] <= 1 && moved[SECOND] <= 1 && moved[OTHER] <= 1);
    /* What the agent takes for dead is not paid, and what it takes for paid is. [FLW-4] [FLW-3] */
    assert(!(dead[FIRST] && moved[FIRST] > 0) && !(dead[SECOND] && moved[SECOND] > 0));
    assert((!paid[FIRST] || moved[FIRST] > 0) && (!paid[SECOND] || moved[SECOND] > 0));
    /* So one purchase is paid once. */
    assert(!(moved[FIRST] > 0 && moved[SECOND] > 0));
    /* An offer is served once, for money, and to nobody who has only seen the receipt. [FLW-6] [HTB-15] */
    assert(served[0] <= 1 && served[1] <= 1);
    assert(consumed[0] == 0 || moved[consumed[0] - 1] > 0);
    assert(!served_thief);
    /* What was served for is not given back. [FLW-15] */
    assert(consumed[0] == 0 || !given_back[consumed[0] - 1]);
    assert(consumed[1] == 0 || !given_back[consumed[1] - 1])
}

/* --- The agent. Its mandate may be registered late, by somebody else. */

bool tried_second;

inline takes(i) {
    intent[i] = true
}

inline pursues(i) {
    /* A receipt ends it, and nothing else. */
    do
    :: atomic { settled[i] -> paid[i] = true; check(); goto bought }
    :: atomic { cancelled[i] || refused[i] -> dead[i] = true; check(); break }
    /* It gives up: a cancel is a question. [CMD-25] */
    :: atomic { !cancel[i] -> cancel[i] = true }
#ifdef TIME_OUT_IS_A_NO
    :: atomic { true -> dead[i] = true; check(); break }
#endif
    /* Turned away: a copy may be on its way, so that it is cancelled, or the end of the offer waited for. [FLW-4] */
    :: atomic { problem[i] && !cancel[i] -> cancel[i] = true }
#ifdef DROPS_WHAT_IS_TURNED_AWAY
    :: atomic { problem[i] -> dead[i] = true; check(); break }
#endif
#ifdef GIVES_UP_BEFORE_THE_END
    :: atomic { problem[i] && decided[i] == NONE -> dead[i] = true; check(); break }
#else
    :: atomic { problem[i] && ended[offer_of[i]] && decided[i] == NONE -> dead[i] = true; check(); break }
#endif
    od
}

active proctype agent() {
    takes(FIRST);
    pursues(FIRST);
    /* The first is dead. It tries once more, with the same offer or with a fresh one. */
    atomic {
        if
        :: offer_of[SECOND] = 0
        :: offer_of[SECOND] = 1
        fi;
        tried_second = true
    }
    takes(SECOND);
    pursues(SECOND);
    goto nothing;
bought:
    do
    :: atomic { paid[FIRST] && !shown[FIRST] -> shown[FIRST] = true }
    :: atomic { paid[SECOND] && !shown[SECOND] -> shown[SECOND] = true }
    :: atomic { delivery[FIRST] && paid[FIRST] -> has[FIRST] = true; break }
    :: atomic { delivery[SECOND] && paid[SECOND] -> has[SECOND] = true; break }
    :: atomic { given_back[FIRST] || given_back[SECOND] -> break }
    /* Somebody else was served, or nothing: it waits. */
    :: break
    od;
nothing:
    skip
}

/* Somebody else, of another account, wants the same offer. */
active proctype other() {
    offer_of[OTHER] = 0;
    atomic { intent[OTHER] = true };
    do
    :: atomic { settled[OTHER] -> shown[OTHER] = true; break }
    :: atomic { refused[OTHER] || cancelled[OTHER] -> break }
    :: break
    od
}

/* Sees every receipt, and no secret. */
active proctype thief() {
    do
    :: atomic { settled[FIRST] && !thief_shows[FIRST] -> thief_shows[FIRST] = true }
    :: atomic { settled[OTHER] && !thief_shows[OTHER] -> thief_shows[OTHER] = true }
    /* It sends again what others have sent: that is the network, which does so anyway. */
    :: break
    od
}

/* --- The issuer. */

inline answers(i) {
    if
    :: decided[i] == SETTLED -> settled[i] = true
    :: decided[i] == CANCELLED -> cancelled[i] = true
    :: decided[i] == REFUSED -> refused[i] = true
    fi
}

inline decides(i) {
    if
    :: i != OTHER && !registered -> problem[i] = true
    :: i == OTHER || registered ->
        if
        :: ended[offer_of[i]] -> decided[i] = REFUSED
#ifndef REVOCATION_IS_LATE
        :: !ended[offer_of[i]] && i != OTHER && revoked -> decided[i] = REFUSED
        :: !ended[offer_of[i]] && (i == OTHER || !revoked) ->
#else
        :: !ended[offer_of[i]] ->
#endif
            assert(i == OTHER || !told_revoked);
            decided[i] = SETTLED;
            moved[i] = moved[i] + 1
        fi;
        answers(i)
    fi
}

inline gets_intent(i) {
#ifdef FORGETS_OUTCOMES
    decides(i);
#else
    if
    :: decided[i] != NONE -> answers(i)
    :: decided[i] == NONE -> decides(i)
    fi;
#endif
    check()
}

inline gets_cancel(i) {
    if
    :: decided[i] != NONE ->
#ifdef CANCELS_WHAT_IS_PAID
        cancelled[i] = true
#else
        answers(i)
#endif
    :: decided[i] == NONE && !registered -> problem[i] = true
    :: decided[i] == NONE && registered ->
#ifdef NO_TOMBSTONE
        cancelled[i] = true
#else
        decided[i] = CANCELLED;
        answers(i)
#endif
    fi;
    check()
}

active proctype issuer() {
    do
    :: atomic { intent[FIRST] -> gets_intent(FIRST) }
    :: atomic { intent[SECOND] -> gets_intent(SECOND) }
    :: atomic { intent[OTHER] -> gets_intent(OTHER) }
    :: atomic { cancel[FIRST] -> gets_cancel(FIRST) }
    :: atomic { cancel[SECOND] -> gets_cancel(SECOND) }
    :: atomic { !registered -> registered = true }
    :: atomic { registered && !revoked -> revoked = true }
    :: atomic { revoked && !told_revoked -> told_revoked = true }
    /* Its clock is the one that counts. */
    :: atomic { !ended[0] -> ended[0] = true }
    :: atomic { !ended[1] -> ended[1] = true }
    :: timeout -> break
    od
}

/* --- The merchant. */

inline serves(i, by_thief) {
    consumed[offer_of[i]] = i + 1;
    served[offer_of[i]] = served[offer_of[i]] + 1;
    served_thief = served_thief || by_thief;
    delivery[i] = true
}

inline gives_back(i) {
#ifndef KEEPS_THE_SECOND
    given_back[i] = true
#else
    skip
#endif
}

inline redeems(i, by_thief) {
    if
#ifndef SERVES_EACH_TIME
    :: consumed[offer_of[i]] == i + 1 -> delivery[i] = true         /* the same again [HTB-17] */
#else
    :: consumed[offer_of[i]] == i + 1 -> serves(i, by_thief)
#endif
    :: consumed[offer_of[i]] != i + 1 && consumed[offer_of[i]] != 0 -> gives_back(i)    /* [FLW-7] */
    :: consumed[offer_of[i]] == 0 && withdrawn[offer_of[i]] -> gives_back(i)
    :: consumed[offer_of[i]] == 0 && !withdrawn[offer_of[i]] && given_back[i] -> skip
    :: consumed[offer_of[i]] == 0 && !withdrawn[offer_of[i]] && !given_back[i] -> serves(i, by_thief)
    fi;
    /* Whoever showed a good receipt was served for it, or has the money back. */
    assert(delivery[i] || given_back[i]);
    check()
}


active proctype merchant() {
    do
    :: atomic { shown[FIRST] && settled[FIRST] -> redeems(FIRST, false) }
    :: atomic { shown[SECOND] && settled[SECOND] -> redeems(SECOND, false) }
    :: atomic { shown[OTHER] && settled[OTHER] -> redeems(OTHER, false) }
#ifdef NO_SECRET
    :: atomic { thief_shows[FIRST] && !shown[FIRST] -> redeems(FIRST, true) }
    :: atomic { thief_shows[OTHER] && !shown[OTHER] -> redeems(OTHER, true) }
#endif
    :: atomic { !withdrawn[0] && consumed[0] == 0 -> withdrawn[0] = true }
    :: timeout -> break
    od
}
