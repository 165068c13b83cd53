"""A personalized prompt optimizer: it reads one user's history and rewrites that user's next query.

Try it: atlas-eval validate MODULE; score it: atlas-eval --optimizer MODULE --model scripted, then without --model.
"""

from persona_atlas import Context, ProfileEntry, Prompt, Request

# What a user may say -> a preference, its value, and what to ask of the model. A real optimizer would infer far more.
HINTS = {
    "too long": ("length", "brief", "Keep the answer under 40 words."),
    "bullet": ("structure", "bulleted", "Answer in bullet points."),
    "emoji": ("emoji", "some", "Use a few emoji."),
}


def optimize(request: Request, context: Context) -> Prompt | str:
    """Return the prompt for the target, as text or as a Prompt.

        request.query     what the user asks now
        request.history   earlier conversations, oldest first, each a list of messages with .role ("user" or "assistant") and .content
        request.user      an opaque key, the same for all requests of a user under one condition of a run
        context.seconds   the time that this call may take
        context.generator()   a seeded numpy generator, for what is drawn at random
        context.model.generate(["..."])   the target's answers, to as many prompts as --optimizer_calls allows

    An optimizer that learns also defines fit(train, context): train is a list of tasks, each with its .request, and
    context.score([(task, prompt), ...]) returns the score of each prompt.
    """
    lines: list[str] = []
    profile: list[ProfileEntry] = []
    for conversation in request.history:
        for message in conversation:
            if message.role != "user":
                continue
            for words, (preference, value, wish) in HINTS.items():
                if words in message.content.lower() and wish not in lines:
                    lines.append(wish)
                    profile.append(ProfileEntry(preference, value, evidence=message.content))
    if not lines:
        return request.query  # nothing is known: leave the query as it is
    return Prompt("\n\n".join([request.query, *lines]), profile=tuple(profile))
