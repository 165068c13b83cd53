"""The release audit: is a release good? One module a question; `audit` asks them all, `thresholds.yaml` says what is good enough, and why.

`verify` says whether a release is intact and its labels are true; this says what the data are like: how varied, how often repeated, whether splits
leak, whether users are coherent, whether values are even and independent, whether what is asked for can be known, whether personal data stand in it,
and how near it is to chats of others. Figures are plain data; what was sampled says how much of it.
"""
