// The words that scenarios look for, by language.
export const account = {
  en: {
    signIn: 'Sign in', userName: 'User name', password: 'Password', refused: 'The user name or the password is not right',
    secondFactor: '2nd Factor', assignNew: 'Assign New', addToken: 'Add Token', continue: 'Continue', setUpSms: 'Set up SMS',
    name: 'Name', phone: 'Phone Number', next: 'Next', phoneWrong: 'Enter a phone number, like', eight: '8 digits',
    confirmPhone: 'Confirm your phone', code: 'Code', confirm: 'Confirm', wrongCode: 'The code is not right',
    saveCodes: 'Save your recovery codes', saved: 'I have saved them', active: 'Active', signOut: 'Sign out',
    signedOut: 'You are signed out', fromPhone: 'Enter the code from your phone', rename: 'Rename', save: 'Save',
    nameWrong: 'A name has at most 50 characters', firstName: 'First name', lastName: 'Last name', hello: 'Hello, Alice',
    useRecovery: 'Use a recovery code', remove: 'Remove', oneMore: 'One more code', noFactor: 'No second factor yet',
  },
  de: {
    signIn: 'Anmelden', userName: 'Benutzername', password: 'Passwort', refused: 'Benutzername oder Passwort stimmt nicht',
    secondFactor: '2. Faktor', assignNew: 'Neu zuweisen', addToken: 'Token hinzufügen', continue: 'Weiter',
    setUpSms: 'SMS einrichten', name: 'Name', phone: 'Telefonnummer', next: 'Weiter', phoneWrong: 'Geben Sie eine Telefonnummer ein',
    eight: '8 Ziffern', confirmPhone: 'Telefon bestätigen', code: 'Code', confirm: 'Bestätigen', wrongCode: 'Der Code stimmt nicht',
    saveCodes: 'Wiederherstellungscodes aufbewahren', saved: 'Ich habe sie aufbewahrt', active: 'Aktiv', signOut: 'Abmelden',
    signedOut: 'Sie sind abgemeldet', fromPhone: 'Code von Ihrem Telefon eingeben', rename: 'Umbenennen', save: 'Speichern',
    nameWrong: 'Ein Name hat höchstens 50 Zeichen', firstName: 'Vorname', lastName: 'Nachname', hello: 'Hallo, Alice',
    useRecovery: 'Wiederherstellungscode verwenden', remove: 'Entfernen', oneMore: 'Noch ein Code', noFactor: 'Noch kein zweiter Faktor',
  },
};
