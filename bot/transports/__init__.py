"""The Messenger and Chats ports, once per provider."""
