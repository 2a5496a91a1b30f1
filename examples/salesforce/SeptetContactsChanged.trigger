/** Contacts that users have, and that others than the server have changed. */
trigger SeptetContactsChanged on Contact (after update) {
    // SALESFORCE_USERNAME: what the server writes need not come back.
    if (UserInfo.getUserName() == 'septet@example.com') return;
    List<Contact> changed = new List<Contact>();
    for (Contact contact : Trigger.new) {
        if (contact.Septet_User_Id__c != null) changed.add(contact);
    }
    // Never at the cost of saving the contact.
    Boolean canTell = Limits.getQueueableJobs() < Limits.getLimitQueueableJobs();
    if (!changed.isEmpty() && canTell) System.enqueueJob(new SeptetContacts(changed));
}
