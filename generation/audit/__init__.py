"""The release audit: how good the data of a release are.

`verify` says whether a release is intact and its labels are true. The audit says what the data are like: how varied they are, how often they repeat,
whether splits leak, whether users are coherent, whether values are even and independent, whether gold can be known, whether there is personal data,
and how near the texts are to other people's chats.

Each question has a module of its own. `audit` runs them all, and `thresholds.yaml` holds the limits with their reasons. The figures are plain data,
and those taken on a sample state its size.
"""
