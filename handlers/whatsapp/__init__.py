"""What Twilio sends us on behalf of WhatsApp."""
